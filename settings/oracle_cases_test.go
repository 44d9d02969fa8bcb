// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

// oracleSetting is a setting with values to try, good and bad ones.
type oracleSetting struct {
	key    string // in TOML files
	names  []string
	values []string
}

var (
	tryTexts  = []string{"http://h/api", "", " http://h/api/ ", "https://api.prefect.cloud/api/accounts/a/workspaces/w", "http://127.0.0.1:4200/api", "x=y#z", "http://h/api/x"}
	trySecret = []string{"pnu_1", "", "user:pass word", "ключ"}
	tryBools  = []string{"true", "TRUE", "t", "1", "yes", "Y", "on", "false", "F", "0", "No", "n", "off", "", "2", " true", "enabled"}
	trySizes  = []string{"2000000", "2_000_000", "1000000", " 3000000 ", "+4000000", "2000000.0", "2e6", "", "1.5", "0x10", "4MB", "007000000", "2__0", "5000000."}
	tryFloats = []string{"1", "1e1", " 3 ", "0.5", "1_000", "inf", "Infinity", "", "2s", ".5", "5.", "1e400", "0x1p3", "1__0", "+2", "1_0.5e0_1"}
	tryCodes  = []string{"429", "500,504", " 500 , 504 ", "", "99", "600", "abc", "500,", "[500, 504]", "null", "500.0", `"429"`, "[]", "[500,\"504\"]", "true", "5e2", "{}", `{"a":1}`}
	tryLists  = []string{"a", "a,b", " a , b ", "a,a", "", "a,,b", "123", "null", `["x","y"]`, "true", `"q"`, "[1]", "0", "{}"}
	tryHeader = []string{`{"X-A": "1", "X-B": "2"}`, "{}", "", "X-A=1", `{"X-A": 1}`, "null", `"{\"X-A\": \"1\"}"`, `["a"]`, `{"X-A": null}`}
	tryLevels = []string{"INFO", "debug", "Warning", "ERROR", "critical", "WARN", "FATAL", "NOTSET", "10", "", " INFO"}
	tryPaths  = []string{"/etc/logging.yml", "a//b/./c/", "$PREFECT_HOME/x.yml", "${PREFECT_HOME}/y.yml", "~/z.yml", "$$x", "."}
	tryWhen   = []string{"warn", "error", "ignore", "WARN", "", "raise"}
)

func settingsOf(version servers.Version) []oracleSetting {
	of := func(key string, values []string, names ...string) oracleSetting {
		return oracleSetting{key, names, values}
	}
	all := []oracleSetting{
		of("api.url", tryTexts, "PREFECT_API_URL"),
		of("api.key", trySecret, "PREFECT_API_KEY"),
		of("cloud.api_url", []string{"https://api.prefect.cloud/api", "http://h/api", "https://api.stg.prefect.dev/api"}, "PREFECT_CLOUD_API_URL"),
		of("cloud.ui_url", []string{"https://app", "https://pages"}, "PREFECT_CLOUD_UI_URL"),
		of("ui_url", tryTexts, "PREFECT_UI_URL"),
		of("api.request_timeout", tryFloats, "PREFECT_API_REQUEST_TIMEOUT"),
		of("logging.level", tryLevels, "PREFECT_LOGGING_LEVEL"),
		of("logging.extra_loggers", tryLists, "PREFECT_LOGGING_EXTRA_LOGGERS"),
		of("debug_mode", tryBools, "PREFECT_DEBUG_MODE"),
	}
	handler := "PREFECT_LOGGING_TO_API_"
	if version == servers.Prefect27 {
		handler = "PREFECT_LOGGING_ORION_"
	}
	all = append(all,
		of("logging.to_api.enabled", tryBools, handler+"ENABLED"),
		of("logging.to_api.batch_interval", tryFloats, handler+"BATCH_INTERVAL"),
		of("logging.to_api.batch_size", trySizes, handler+"BATCH_SIZE"),
		of("logging.to_api.max_log_size", trySizes, handler+"MAX_LOG_SIZE"),
	)
	if version != servers.Prefect27 {
		all = append(all,
			of("logging.to_api.when_missing_flow", tryWhen, handler+"WHEN_MISSING_FLOW"),
			of("api.tls_insecure_skip_verify", tryBools, "PREFECT_API_TLS_INSECURE_SKIP_VERIFY"),
			of("api.ssl_cert_file", []string{"/ca.pem", ""}, "PREFECT_API_SSL_CERT_FILE"),
			of("client.max_retries", []string{"0", "3", "1_0", "7.0", "many", ""}, "PREFECT_CLIENT_MAX_RETRIES"),
			of("client.retry_extra_codes", tryCodes, "PREFECT_CLIENT_RETRY_EXTRA_CODES"),
			of("client.retry_jitter_factor", []string{"0", "0.5", "1e1", "x", ""}, "PREFECT_CLIENT_RETRY_JITTER_FACTOR"),
		)
	}
	if version == servers.Prefect38 {
		return append(all,
			of("api.auth_string", trySecret, "PREFECT_API_AUTH_STRING"),
			of("client.custom_headers", tryHeader, "PREFECT_CLIENT_CUSTOM_HEADERS"),
			of("cloud.max_log_size", []string{"1000", "30_000", "2000000", "x"}, "PREFECT_CLOUD_MAX_LOG_SIZE"),
			of("logging.config_path", tryPaths, "PREFECT_LOGGING_CONFIG_PATH", "PREFECT_LOGGING_SETTINGS_PATH"),
		)
	}
	return append(all, of("", tryPaths, "PREFECT_LOGGING_SETTINGS_PATH"))
}

// generatedCases lays out n combinations, always the same ones.
func generatedCases(version servers.Version, n int) []oracleCase {
	r := rand.New(rand.NewPCG(8, uint64(len(fmt.Sprint(version)))))
	all := settingsOf(version)
	cases := make([]oracleCase, n)
	for i := range cases {
		cases[i] = generatedCase(r, version, all)
		cases[i].Name = "generated " + strconv.Itoa(i)
	}
	return cases
}

func generatedCase(r *rand.Rand, version servers.Version, all []oracleSetting) oracleCase {
	c := oracleCase{Env: map[string]string{}, Files: map[string]string{}}
	var dotEnv, profile, other []string
	prefectTOML, pyproject := map[string][]string{}, map[string][]string{}
	for range 1 + r.IntN(6) {
		s := all[r.IntN(len(all))]
		for range 1 + r.IntN(3) {
			name, text := s.names[r.IntN(len(s.names))], s.values[r.IntN(len(s.values))]
			if r.IntN(3) > 0 { // mostly from the good ones, which stand first
				text = s.values[r.IntN(1+len(s.values)/2)]
			}
			switch source := r.IntN(6); {
			case source == 0 && !strings.Contains(text, "\x00"):
				c.Env[anyCase(r, name)] = text
			case source == 1:
				dotEnv = append(dotEnv, dotEnvLine(r, anyCase(r, name), text))
			case source == 2 && s.key != "":
				addTOML(r, version, prefectTOML, s.key, text)
			case source == 3 && s.key != "":
				addTOML(r, version, pyproject, s.key, text)
			default:
				if line := name + " = " + tomlValue(r, version, text); r.IntN(5) == 0 {
					other = addOnce(other, name, line)
				} else {
					profile = addOnce(profile, name, line)
				}
			}
		}
	}
	if len(dotEnv) > 0 {
		c.Files[".env"] = strings.Join(dotEnv, "\n") + "\n"
	}
	if len(prefectTOML) > 0 {
		c.Files["prefect.toml"] = tomlText("", prefectTOML)
	}
	if len(pyproject) > 0 {
		c.Files["pyproject.toml"] = "[project]\nname = \"p\"\n" + tomlText("tool.prefect", pyproject)
	}
	if len(profile)+len(other) > 0 {
		placeProfiles(r, version, &c, profile, other)
	}
	return c
}

// placeProfiles writes a file of two profiles where Prefect may find it.
func placeProfiles(r *rand.Rand, version servers.Version, c *oracleCase, profile, other []string) {
	names := [][2]string{{"prod", "dev"}, {"default", "dev"}, {"local", "prod"}, {"ephemeral", "prod"}}[r.IntN(4)]
	text := fmt.Sprintf("active = %q\n[profiles.%s]\n%s\n\n[profiles.%s]\n%s\n",
		names[r.IntN(2)], names[0], strings.Join(profile, "\n"), names[1], strings.Join(other, "\n"))
	if r.IntN(6) == 0 {
		text = text[strings.Index(text, "\n")+1:]
	}
	if r.IntN(3) == 0 {
		c.Env["PREFECT_PROFILE"] = []string{names[0], names[1], "absent", "", "local"}[r.IntN(5)]
	}
	switch r.IntN(6) {
	case 0:
		c.Env["PREFECT_HOME"] = "@/elsewhere"
		c.Files["@/elsewhere/profiles.toml"] = text
	case 1:
		c.Env["PREFECT_PROFILES_PATH"] = "@/p.toml"
		c.Files["@/p.toml"] = text
	case 2:
		c.Files[".env"] += "PREFECT_PROFILES_PATH=@@/q.toml\n"
		c.Files["@/q.toml"] = text
	case 3:
		c.Files["prefect.toml"] = "profiles_path = \"@@/t.toml\"\n" + c.Files["prefect.toml"]
		c.Files["@/t.toml"] = text
	default:
		c.Files["@/home/.prefect/profiles.toml"] = text
	}
}

func anyCase(r *rand.Rand, name string) string {
	switch r.IntN(5) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return name[:8] + strings.ToLower(name[8:])
	}
	return name
}

func dotEnvLine(r *rand.Rand, name, text string) string {
	switch r.IntN(5) {
	case 0:
		return name + `="` + strings.ReplaceAll(text, `"`, `\"`) + `" # why`
	case 1:
		return "export " + name + "='" + text + "'"
	case 2:
		return "# a comment\n" + name + " = " + text + " # why"
	}
	return name + "=" + text
}

// tomlValue writes a text as TOML: bare where it is a value of another type.
func tomlValue(r *rand.Rand, version servers.Version, text string) string {
	bare := text != "" && strings.Trim(text, "0123456789") == "" && (text[0] != '0' || text == "0") ||
		slices.Contains([]string{"true", "false", "0.5", "inf", "7.0", "1.5", "2000000.0"}, text)
	if bare && r.IntN(2) == 0 {
		return text
	}
	if strings.HasPrefix(text, "{\"X") && r.IntN(2) == 0 {
		return strings.ReplaceAll(strings.ReplaceAll(text, ":", " ="), "null", `"n"`)
	}
	// Prefect 2 reads TOML of an older version, without mixed arrays.
	if strings.HasPrefix(text, "[") && version == servers.Prefect38 && r.IntN(2) == 0 {
		return text
	}
	quoted, _ := json.Marshal(text) // of a string it cannot fail
	return string(quoted)
}

func addTOML(r *rand.Rand, version servers.Version, tables map[string][]string, key, text string) {
	table, last := "", key
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		table, last = key[:i], key[i+1:]
	}
	tables[table] = addOnce(tables[table], last, last+" = "+tomlValue(r, version, text))
}

// addOnce adds the line of a key unless there is one.
func addOnce(lines []string, key, line string) []string {
	for _, l := range lines {
		if strings.HasPrefix(l, key+" =") {
			return lines
		}
	}
	return append(lines, line)
}

func tomlText(root string, tables map[string][]string) string {
	var text strings.Builder
	for _, table := range []string{"", "api", "client", "cloud", "logging", "logging.to_api"} {
		lines := tables[table]
		if len(lines) == 0 {
			continue
		}
		if header := strings.Trim(root+"."+table, "."); header != "" {
			fmt.Fprintf(&text, "[%s]\n", header)
		}
		text.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return text.String()
}
