// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The tables of every setting that Prefect has, by which a logging.yml may ask for
// it: names, the newest first; key in TOML files; type; default. "-" is none. For the
// second generation they are those of 2.7.0 and 2.20.26 together; where both
// know a setting, the default is the older one. testdata/variables.py writes them.
var (
	//go:embed shipped/variables3.tsv
	variables3 string
	//go:embed shipped/variables2.tsv
	variables2 string
)

// variable is one row of such a table.
type variable struct {
	names          []string
	key            string
	kind, fallback string
}

// allVariables looks settings of all of Prefect up by name.
type allVariables struct {
	*resolution
	rows map[string]*variable
}

func (r *resolution) newVariables() allVariables {
	table := variables3
	if r.generation == Prefect2 {
		table = variables2
	}
	v := allVariables{r, make(map[string]*variable)}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		row := &variable{strings.Fields(cells[0]), cells[1], cells[2], cells[3]}
		for _, name := range row.names {
			v.rows[name] = row
		}
	}
	return v
}

// text is the value of a setting as Prefect writes it into a template.
func (v allVariables) text(name string) (string, error) {
	row, ok := v.rows[name]
	if !ok {
		return "", fmt.Errorf("$%s: Prefect %d has no such setting", cut(name), 3-int(v.generation))
	}
	text, isSet, err := v.value(row)
	if err == nil && !isSet {
		if v.generation == Prefect2 {
			return "None", nil
		}
		return "", fmt.Errorf("$%s: the setting has no value", name)
	}
	return text, err
}

// value is the value of a setting, which is none where isSet is false.
func (v allVariables) value(row *variable) (text string, isSet bool, err error) {
	for _, d := range definitions {
		if d.key == row.key || slices.Contains(d.names, row.names[0]) {
			if text, isSet := v.ours(d.key); isSet {
				return text, true, nil
			}
			return "", false, nil
		}
	}
	if v.generation == Prefect3 && (v.DebugMode || v.TestMode) && row.key == "internal.logging_level" {
		return "DEBUG", true, nil
	}
	d := &definition{key: row.key, names: row.names}
	if row.key == "-" {
		d.key = "\x00" // in no file
	}
	for _, p := range v.places {
		for i := range d.names {
			if found, ok := p.find(d, i); ok {
				text, err := v.read(row, found)
				if err != nil {
					return "", false, &Error{Name: found.name, Source: found.source, Value: mask, Err: err}
				}
				return text, true, nil
			}
		}
	}
	return v.byDefault(row)
}

// byDefault is a setting's default, which may rest on other settings.
func (v allVariables) byDefault(row *variable) (text string, isSet bool, err error) {
	switch row.names[0] {
	case "PREFECT_SERVER_UI_API_URL", "PREFECT_ORION_UI_API_URL":
		if v.APIURL != "" {
			return v.APIURL, true, nil
		}
		of := "PREFECT_SERVER_API_"
		if v.generation == Prefect2 {
			of = "PREFECT_ORION_API_"
		}
		host, err := v.text(of + "HOST")
		if err != nil {
			return "", false, err
		}
		port, err := v.text(of + "PORT")
		return "http://" + host + ":" + port + "/api", true, err
	}
	if row.fallback == "-" || row.fallback == "None" {
		return "", false, nil
	}
	return fillHome(row.fallback, v.Home), true, nil
}

// read gives a value as Prefect would write it, by the kind of its setting.
func (v allVariables) read(row *variable, found value) (string, error) {
	switch row.kind {
	case "bool":
		b, err := asBool(found.raw)
		return pythonBool(b), err
	case "int":
		n, err := asInt(found.raw, v.generation)
		return strconv.Itoa(n), err
	case "float":
		f, err := asFloat(found.raw, v.generation)
		return pythonFloat(f), err
	case "level":
		text, _ := found.raw.(string)
		_, err := parseLevel(text, v.generation)
		return strings.ToUpper(text), err
	case "path":
		text, err := asText(found.raw, v.generation)
		if v.generation == Prefect2 {
			text = fillHome(text, v.Home)
		}
		return cleanPath(text), err
	case "set":
		list, ok := asList(found.raw, v.generation)
		if !ok {
			return "", errNotText
		}
		return joined(list), nil
	case "str":
		text, err := asText(found.raw, v.generation)
		if v.generation == Prefect2 {
			text = fillHome(text, v.Home)
		}
		return text, err
	}
	return fmt.Sprint(found.raw), nil // as written
}

// ours is the value of a setting that Settings has a field for.
func (v allVariables) ours(key string) (text string, isSet bool) {
	s := &v.Settings
	orNone := func(text string) (string, bool) { return text, text != "" || v.isSet(key) }
	switch key {
	case "api.url":
		return orNone(s.APIURL)
	case "api.key":
		return orNone(s.APIKey.Reveal())
	case "api.auth_string":
		return orNone(s.APIAuthString.Reveal())
	case "api.ssl_cert_file":
		return orNone(s.SSLCertFile)
	case "ui_url":
		return orNone(s.UIURL)
	case "cloud.api_url":
		return s.Cloud.APIURL, true
	case "cloud.ui_url":
		return orNone(s.Cloud.UIURL)
	case "home":
		return s.Home, true
	case "logging.config_path":
		return s.ConfigPath, true
	case "logging.level":
		text, _ := v.found[key].raw.(string)
		if level, err := parseLevel(text, v.generation); err == nil && level == s.LoggingLevel {
			return strings.ToUpper(text), true // Prefect 2 keeps WARN and FATAL
		}
		return s.LoggingLevel.String(), true
	case "logging.to_api.when_missing_flow":
		return string(s.ToAPI.WhenMissingFlow), true
	case "client.retry_extra_codes":
		list := make([]any, 0, len(s.Client.RetryExtraCodes))
		for _, code := range s.Client.RetryExtraCodes {
			list = append(list, code)
		}
		return joined(list), true
	case "logging.extra_loggers":
		if v.generation == Prefect2 {
			quoted := make([]string, 0, len(s.ExtraLoggers))
			for _, name := range s.ExtraLoggers {
				quoted = append(quoted, "'"+name+"'")
			}
			return "[" + strings.Join(quoted, ", ") + "]", true
		}
		list := make([]any, 0, len(s.ExtraLoggers))
		for _, name := range s.ExtraLoggers {
			list = append(list, name)
		}
		return joined(list), true
	case "client.custom_headers":
		headers := make(map[string]string, len(s.Client.CustomHeaders))
		for name, text := range s.Client.CustomHeaders {
			headers[name] = text.Reveal()
		}
		text, _ := json.Marshal(headers) // of strings it cannot fail
		return string(text), true
	case "api.request_timeout":
		return pythonSeconds(s.RequestTimeout.Seconds(), s.RequestTimeout == math.MaxInt64), true
	case "logging.to_api.batch_interval":
		return pythonSeconds(s.ToAPI.BatchInterval.Seconds(), s.ToAPI.BatchInterval == math.MaxInt64), true
	case "client.retry_jitter_factor":
		return pythonFloat(s.Client.RetryJitterFactor), true
	case "client.max_retries":
		return strconv.Itoa(s.Client.MaxRetries), true
	case "cloud.max_log_size":
		return strconv.Itoa(s.Cloud.MaxLogSize), true
	case "logging.to_api.batch_size":
		return strconv.Itoa(s.ToAPI.BatchSize), true
	case "logging.to_api.max_log_size":
		return strconv.Itoa(s.ToAPI.MaxLogSize), true
	case "logging.to_api.enabled":
		return pythonBool(s.ToAPI.Enabled), true
	case "api.tls_insecure_skip_verify":
		return pythonBool(s.TLSInsecureSkipVerify), true
	case "debug_mode":
		return pythonBool(s.DebugMode), true
	case "testing.test_mode":
		return pythonBool(s.TestMode), true
	case "silence_api_url_misconfiguration":
		return pythonBool(s.SilenceAPIURLMisconfiguration), true
	}
	return "", false
}

// joined is a list between commas, sorted by text.
func joined(list []any) string {
	texts := make([]string, 0, len(list))
	for _, item := range list {
		texts = append(texts, fmt.Sprint(item))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ",")
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func pythonSeconds(f float64, endless bool) string {
	if endless {
		f = math.Inf(1)
	}
	return pythonFloat(f)
}

// pythonFloat is a number as Python's repr writes it.
func pythonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
