// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import "github.com/prefectlogs/prefectlogs/internal/servers"

const homeProfiles = "@/home/.prefect/profiles.toml"

// handmadeCases are the corners that chance would not find.
func handmadeCases(version servers.Version) []oracleCase {
	cases := []oracleCase{
		{Name: "nothing at all"},
		{Name: "the built-in profile local", Env: env("PREFECT_PROFILE", "local")},
		{Name: "a profile of the file named like a built-in one", Files: files(homeProfiles, "active='local'\n[profiles.local]\nPREFECT_API_KEY='k'\n")},
		{Name: "active names no profile", Files: files(homeProfiles, "active='x'\n[profiles.y]\nPREFECT_API_URL='u'\n")},
		{Name: "no active profile", Files: files(homeProfiles, "[profiles.y]\nPREFECT_API_URL='u'\n")},
		{Name: "an empty file of profiles", Env: env("PREFECT_PROFILE", "local"), Files: files(homeProfiles, "")},
		{Name: "broken TOML in the profiles", Files: files(homeProfiles, "active = \n")},
		{Name: "PREFECT_HOME without profiles", Env: env("PREFECT_HOME", "@/h", "PREFECT_PROFILE", "local")},
		{Name: "PREFECT_HOME with a tilde", Env: env("PREFECT_HOME", "~/h/"), Files: files("@/home/h/profiles.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "a template in the path of the profiles", Env: env("PREFECT_HOME", "@/h", "PREFECT_PROFILES_PATH", "$PREFECT_HOME/p.toml"), Files: files("@/h/p.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "a relative path of the profiles", Env: env("PREFECT_PROFILES_PATH", "p.toml"), Files: files("p.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "active is not there, and the file has a default profile", Files: files(homeProfiles, "active='x'\n[profiles.default]\nPREFECT_API_URL='d'\n[profiles.ephemeral]\nPREFECT_API_URL='e'\n")},
		{Name: "a profile that is no table", Files: files(homeProfiles, "active='x'\n[profiles]\nx=1\n")},
		{Name: "a profiles file with a template and no home", Env: env("PREFECT_PROFILES_PATH", "${PREFECT_HOME}/p.toml"), Files: files("@/home/.prefect/p.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "an empty active", Files: files(homeProfiles, "active=''\n[profiles.default]\nPREFECT_API_URL='d'\n")},
		{Name: "an empty variable hides the profile", Env: env("PREFECT_API_URL", ""), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "a lower-case variable against the profile", Env: env("prefect_api_url", "e"), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		{Name: "Cloud", Env: env("PREFECT_API_URL", "https://api.prefect.cloud/api/accounts/a/workspaces/w")},
		{Name: "debug mode forces the level", Env: env("PREFECT_DEBUG_MODE", "1", "PREFECT_LOGGING_LEVEL", "ERROR")},
		{Name: "the level of a log above that of a batch", Env: env("PREFECT_LOGGING_TO_API_BATCH_SIZE", "10", "PREFECT_LOGGING_ORION_BATCH_SIZE", "10")},
		{Name: "numbers of TOML in a profile", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_LOGGING_ORION_BATCH_SIZE=2000000\nPREFECT_LOGGING_TO_API_BATCH_SIZE=2000000.0\nPREFECT_API_REQUEST_TIMEOUT=3\nPREFECT_DEBUG_MODE=1\n")},
		{Name: "a date for a text", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API_URL=2026-01-01\n")},
	}
	if version == servers.Prefect27 {
		cases = withoutNames(cases, "numbers of TOML in a profile") // 2.7 refuses names it does not know
	}
	if version == servers.Prefect220 {
		cases = withoutNames(cases, "numbers of TOML in a profile")
	}
	if version != servers.Prefect38 {
		return cases
	}
	for key, group := range map[string]string{
		"api_url": "CLOUD", "custom_headers": "CLIENT", "level": "LOGGING", "config_path": "LOGGING", "batch_size": "LOGGING_TO_API",
	} {
		cases = append(cases, oracleCase{Name: "null in a group for " + key, Env: env("PREFECT_"+group, `{"`+key+`":null}`)})
	}
	return append(cases,
		oracleCase{Name: ".env by the rules of python-dotenv", Env: env("OUTER", "o"), Files: files(".env",
			"\ufeff# c\r\nexport\tPREFECT_API_URL = http://${OUTER}/${NONE:-d}/api # c\r\n'PREFECT_API_KEY'=\"a\\nb\\q\\\"\"\nPREFECT_API_AUTH_STRING='a\\'b\nc' # c\n???= =\nPREFECT_LOGGING_LEVEL\nBAD 'x\nPREFECT_UI_URL=a#b\n")},
		oracleCase{Name: "a name without value hides the one above it", Files: files(".env", "PREFECT_API_URL=a\nPREFECT_API_URL\n")},
		oracleCase{Name: "expansion goes by the lines above", Files: files(".env", "A=1\nPREFECT_API_KEY=${A}${B}${A:-x}${C:-y}${:-z}${A:b}\nB=2\nPREFECT_UI_URL='${A}'$A\n")},
		oracleCase{Name: "a value of .env ends at a comment", Files: files(".env", "PREFECT_API_URL= # none\nPREFECT_API_KEY=#k\nPREFECT_UI_URL=u\u00a0#c\n")},
		oracleCase{Name: "an unclosed quote takes only its line", Files: files(".env", "PREFECT_API_URL=\"u\nPREFECT_API_KEY=k\n")},
		oracleCase{Name: "a backslash at the end of a quoted value", Files: files(".env", "PREFECT_API_URL='u\\\\'\nPREFECT_API_KEY='k\\'\nPREFECT_UI_URL=x\n")},
		oracleCase{Name: "a quoted value with a tail", Files: files(".env", "PREFECT_API_URL='u' tail\nPREFECT_API_KEY='k'#c\n")},
		oracleCase{Name: "the old name above the new one", Env: env("PREFECT_LOGGING_SETTINGS_PATH", "/old"), Files: files(".env", "PREFECT_LOGGING_CONFIG_PATH=/new\n")},
		oracleCase{Name: "the new name above the old one", Env: env("PREFECT_LOGGING_CONFIG_PATH", "/new"), Files: files(".env", "PREFECT_LOGGING_SETTINGS_PATH=/old\n")},
		oracleCase{Name: "the old name above TOML", Env: env("PREFECT_LOGGING_SETTINGS_PATH", "/old"), Files: files("prefect.toml", "[logging]\nconfig_path='/toml'\n")},
		oracleCase{Name: "the old name above a profile", Env: env("PREFECT_LOGGING_SETTINGS_PATH", "/old"), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_LOGGING_CONFIG_PATH='/p'\n")},
		oracleCase{Name: "TOML above a profile with the new name", Files: files("prefect.toml", "[logging]\nconfig_path='/toml'\n", homeProfiles, "active='a'\n[profiles.a]\nPREFECT_LOGGING_CONFIG_PATH='/p'\n")},
		oracleCase{Name: "a table where a value is wanted", Files: files("prefect.toml", "[api.url]\nx=1\n[api]\nkey='k'\n")},
		oracleCase{Name: "a value where a table is wanted", Files: files("prefect.toml", "api='x'\n")},
		oracleCase{Name: "a value where pyproject wants a table", Files: files("pyproject.toml", "[tool]\nprefect='x'\n")},
		oracleCase{Name: "broken prefect.toml", Files: files("prefect.toml", "[api\n")},
		oracleCase{Name: "dotted keys and inline tables", Files: files("prefect.toml", "logging = {level='ERROR', to_api={enabled=false}}\napi.url='u'\n")},
		oracleCase{Name: "the key of pyproject below another table", Files: files("pyproject.toml", "[tool.other]\napi.url='u'\n[api]\nurl='v'\n")},
		oracleCase{Name: "headers as a table", Files: files("prefect.toml", "[client.custom_headers]\nX-A='1'\n")},
		oracleCase{Name: "headers of two sources are not merged", Env: env("PREFECT_CLIENT_CUSTOM_HEADERS", `{"X-A":"1"}`), Files: files("prefect.toml", "[client.custom_headers]\nX-B='2'\n")},
		oracleCase{Name: "a group in one variable", Env: env("PREFECT_API", `{"url":"j","key":"k"}`, "PREFECT_API_URL", "e")},
		oracleCase{Name: "a group within a group", Env: env("PREFECT_LOGGING", `{"level":"ERROR","to_api":{"batch_size":2000000}}`, "PREFECT_LOGGING_TO_API", `{"batch_size":3000000,"enabled":false}`)},
		oracleCase{Name: "a group that is no JSON", Env: env("PREFECT_API", "x")},
		oracleCase{Name: "a group in .env", Env: env("PREFECT_API_URL", "e"), Files: files(".env", "PREFECT_API={\"url\":\"d\"}\n")},
		oracleCase{Name: "keys of a group in capitals", Env: env("PREFECT_API", `{"URL":"u"}`, "PREFECT_CLIENT", `{"MAX_RETRIES":7,"Custom_Headers":{"X-A":"1"}}`,
			"PREFECT_CLOUD", `{"API_URL":"c"}`, "PREFECT_LOGGING_TO_API", `{"BATCH_SIZE":2000000}`)},
		oracleCase{Name: "keys of a group within a group in capitals", Env: env("PREFECT_LOGGING", `{"LEVEL":"debug","TO_API":{"Batch_Size":2000000}}`)},
		oracleCase{Name: "of a key of a group in two cases the last holds", Env: env("PREFECT_API", `{"url":"a","URL":"b"}`, "PREFECT_CLOUD", `{"API_URL":"a","api_url":"b"}`,
			"PREFECT_LOGGING", `{"to_api":{"batch_size":2000000},"TO_API":{"enabled":false}}`)},
		oracleCase{Name: "another name in a group", Env: env("PREFECT_LOGGING", `{"PREFECT_LOGGING_SETTINGS_PATH":"/s"}`, "PREFECT_TESTING", `{"prefect_test_mode":true}`)},
		oracleCase{Name: "all names in a group", Env: env("PREFECT_LOGGING", `{"prefect_logging_settings_path":"/s","Prefect_Logging_Config_Path":"/c"}`)},
		oracleCase{Name: "the key in a group above its other names", Env: env("PREFECT_LOGGING", `{"PREFECT_LOGGING_CONFIG_PATH":"/c","config_path":"/k"}`)},
		oracleCase{Name: "a full name in a group", Env: env("PREFECT_API", `{"PREFECT_API_URL":"u"}`)},
		oracleCase{Name: "a group in a profile", Env: env("PREFECT_API_URL", "e"), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API='{\"url\":\"p\",\"KEY\":\"k\"}'\nPREFECT_API_KEY='own'\n")},
		oracleCase{Name: "a group in a profile below one in the environment", Env: env("PREFECT_API", `{"url":"e"}`), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API='{\"url\":\"p\",\"key\":\"k\"}'\n")},
		oracleCase{Name: "a group within a group in a profile", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_LOGGING='{\"TO_API\":{\"batch_size\":2000000}}'\n")},
		oracleCase{Name: "a group in a profile in lower case", Files: files(homeProfiles, "active='a'\n[profiles.a]\nprefect_api='{\"url\":\"p\"}'\n")},
		oracleCase{Name: "a table for a group in a profile", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API={url='p'}\n")},
		oracleCase{Name: "an empty group in a profile", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API=''\n")},
		oracleCase{Name: "null for a group", Env: env("PREFECT_LOGGING_TO_API", "null", "PREFECT_API", "null"), Files: files(".env", "PREFECT_API={\"url\":\"d\"}\n")},
		oracleCase{Name: "null for a group in a profile", Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API='null'\n")},
		oracleCase{Name: "null in a group hides what is below", Files: files(".env", "PREFECT_API={\"url\":\"d\"}\n"), Env: env("PREFECT_API", `{"url":null,"key":null,"auth_string":null,"ssl_cert_file":null}`,
			"PREFECT_API_URL", "e", "PREFECT_CLIENT", `{"retry_extra_codes":null}`, "PREFECT_CLIENT_RETRY_EXTRA_CODES", "500", "PREFECT_LOGGING", `{"extra_loggers":null}`, "PREFECT_LOGGING_EXTRA_LOGGERS", "a")},
		oracleCase{Name: "a list for a group", Env: env("PREFECT_API", "[]")},
		oracleCase{Name: "an empty group", Env: env("PREFECT_API", "")},
		oracleCase{Name: "null for a group within a group", Env: env("PREFECT_LOGGING", `{"to_api":null}`)},
		oracleCase{Name: "a text for a group within a group", Env: env("PREFECT_LOGGING", `{"to_api":"{\"batch_size\":2000000}"}`)},
		oracleCase{Name: "texts in a group", Env: env("PREFECT_LOGGING", `{"extra_loggers":"[\"a\"]","to_api":{"batch_size":"2000000"}}`)},
		oracleCase{Name: "a number for a text in a group", Env: env("PREFECT_API", `{"url":1}`)},
		oracleCase{Name: "test mode reads no profile", Env: env("PREFECT_TEST_MODE", "1"), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		oracleCase{Name: "a profile with an empty name", Files: files(homeProfiles, "active=''\n[profiles.'']\nPREFECT_API_URL='u'\n")},
		oracleCase{Name: "test mode knows no built-in profile", Env: env("PREFECT_TEST_MODE", "1", "PREFECT_PROFILE", "local")},
		oracleCase{Name: "test mode by its new name", Env: env("PREFECT_TESTING_TEST_MODE", "false"), Files: files(homeProfiles, "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		oracleCase{Name: "the home in .env moves no profiles", Files: files(".env", "PREFECT_HOME=@@/h\n", "@/h/profiles.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n", homeProfiles, "active='b'\n[profiles.b]\nPREFECT_API_KEY='k'\n")},
		oracleCase{Name: "a tilde in the home of a profile", Files: files(homeProfiles, "active='b'\n[profiles.b]\nPREFECT_HOME='~/x'\n")},
		oracleCase{Name: "an Orion name beside the new one", Env: env("PREFECT_LOGGING_ORION_BATCH_SIZE", "3000000", "PREFECT_LOGGING_TO_API_BATCH_SIZE", "2000000")},
		oracleCase{Name: "a losing value may be wrong", Env: env("PREFECT_API_REQUEST_TIMEOUT", "3"), Files: files("prefect.toml", "[api]\nrequest_timeout='x'\n")},
		oracleCase{Name: "losing headers may not be wrong", Env: env("PREFECT_CLIENT_CUSTOM_HEADERS", "{}"), Files: files(".env", "PREFECT_CLIENT_CUSTOM_HEADERS=x\n")},
		oracleCase{Name: "profiles_path of pyproject", Files: files("pyproject.toml", "[tool.prefect]\nprofiles_path='p.toml'\n", "p.toml", "active='a'\n[profiles.a]\nPREFECT_API_URL='u'\n")},
		oracleCase{Name: "the cap of another Cloud", Env: env("PREFECT_CLOUD_API_URL", "http://c", "PREFECT_API_URL", "http://c/api", "PREFECT_CLOUD_MAX_LOG_SIZE", "500")},
	)
}

func withoutNames(cases []oracleCase, name string) []oracleCase {
	var kept []oracleCase
	for _, c := range cases {
		if c.Name != name {
			kept = append(kept, c)
		}
	}
	return kept
}

func env(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func files(pairs ...string) map[string]string { return env(pairs...) }
