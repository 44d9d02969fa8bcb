// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectclient

import (
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Unmarshal fills config, a pointer to a struct, and refuses unknown keys, which the Collector does not do where a part that is
// squashed has an Unmarshal method of its own, as the client's configuration has: a misspelt key would then be ignored, in all that
// stands below it too. To find them, the keys are read once more into a struct of the same fields, squashed by hand and
// without methods.
func Unmarshal(conf *confmap.Conf, config any) error {
	if err := conf.Unmarshal(config); err != nil {
		return err
	}
	return conf.Unmarshal(reflect.New(reflect.StructOf(fieldsOf(reflect.TypeOf(config).Elem()))).Interface())
}

// Keys are the keys of a configuration, a struct.
func Keys(config any) []string {
	var keys []string
	for _, field := range fieldsOf(reflect.TypeOf(config)) {
		name, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		keys = append(keys, name)
	}
	return keys
}

func fieldsOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case slices.Contains(strings.Split(options, ","), "squash"):
			fields = append(fields, fieldsOf(field.Type)...)
		case field.IsExported() && name != "":
			field.Offset, field.Index = 0, nil
			fields = append(fields, field)
		}
	}
	return fields
}
