// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// definition is one row of the table of settings: its names, how a value is
// read into [Settings], how it is shown.
type definition struct {
	names []string // the newest first
	// set reads v, and puts it into s. Its error says what is allowed, without
	// the value.
	set func(s *Settings, v any, g Generation) error
	// show gives the value for people, secrets masked.
	show   func(s *Settings) string
	secret bool
}

// defaults is Settings with no source at all.
func defaults() Settings {
	return Settings{
		LoggingLevel: LevelInfo,
		ToAPI: ToAPI{
			Enabled:         true,
			BatchInterval:   2 * time.Second,
			BatchSize:       4_000_000,
			MaxLogSize:      1_000_000,
			WhenMissingFlow: MissingFlowWarn,
		},
	}
}

// definitions is the table, in the order in which settings are shown.
var definitions = []*definition{
	stringSetting(func(s *Settings) *string { return &s.APIURL }, "PREFECT_API_URL"),
	secretSetting(func(s *Settings) *Secret { return &s.APIKey }, "PREFECT_API_KEY"),
	secretSetting(func(s *Settings) *Secret { return &s.APIAuthString }, "PREFECT_API_AUTH_STRING"),
	{
		names: []string{"PREFECT_LOGGING_LEVEL"},
		set: func(s *Settings, v any, g Generation) error {
			text, ok := v.(string)
			if !ok {
				return errNotText
			}
			level, err := parseLevel(text, g)
			s.LoggingLevel = level
			return err
		},
		show: func(s *Settings) string { return s.LoggingLevel.String() },
	},
	boolSetting(func(s *Settings) *bool { return &s.ToAPI.Enabled },
		"PREFECT_LOGGING_TO_API_ENABLED", "PREFECT_LOGGING_ORION_ENABLED"),
	secondsSetting(func(s *Settings) *time.Duration { return &s.ToAPI.BatchInterval },
		"PREFECT_LOGGING_TO_API_BATCH_INTERVAL", "PREFECT_LOGGING_ORION_BATCH_INTERVAL"),
	intSetting(func(s *Settings) *int { return &s.ToAPI.BatchSize }, "bytes", 1,
		"PREFECT_LOGGING_TO_API_BATCH_SIZE", "PREFECT_LOGGING_ORION_BATCH_SIZE"),
	intSetting(func(s *Settings) *int { return &s.ToAPI.MaxLogSize }, "bytes", 1,
		"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE", "PREFECT_LOGGING_ORION_MAX_LOG_SIZE"),
	{
		names: []string{"PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "PREFECT_LOGGING_ORION_WHEN_MISSING_FLOW"},
		set: func(s *Settings, v any, _ Generation) error {
			text, _ := v.(string)
			switch m := MissingFlow(text); m {
			case MissingFlowWarn, MissingFlowError, MissingFlowIgnore:
				s.ToAPI.WhenMissingFlow = m
				return nil
			}
			return errors.New("want warn, error or ignore, in lower case")
		},
		show: func(s *Settings) string { return string(s.ToAPI.WhenMissingFlow) },
	},
}

var errNotText = errors.New("want a text")

func stringSetting(field func(*Settings) *string, names ...string) *definition {
	return &definition{
		names: names,
		set: func(s *Settings, v any, _ Generation) error {
			text, ok := v.(string)
			if !ok {
				return errNotText
			}
			*field(s) = text
			return nil
		},
		show: func(s *Settings) string { return maskURL(*field(s)) },
	}
}

func secretSetting(field func(*Settings) *Secret, names ...string) *definition {
	return &definition{
		names: names,
		set: func(s *Settings, v any, _ Generation) error {
			text, ok := v.(string)
			if !ok {
				return errNotText
			}
			*field(s) = NewSecret(text)
			return nil
		},
		show:   func(s *Settings) string { return field(s).String() },
		secret: true,
	}
}

func boolSetting(field func(*Settings) *bool, names ...string) *definition {
	return &definition{
		names: names,
		set: func(s *Settings, v any, _ Generation) error {
			text, _ := v.(string)
			b, err := parseBool(text)
			*field(s) = b
			return err
		},
		show: func(s *Settings) string { return fmt.Sprint(*field(s)) },
	}
}

// intSetting is a whole number of at least least; unit is what it counts.
func intSetting(field func(*Settings) *int, unit string, least int, names ...string) *definition {
	allowed := fmt.Sprintf("want a whole number of %s, at least %d", unit, least)
	return &definition{
		names: names,
		set: func(s *Settings, v any, g Generation) error {
			text, _ := v.(string)
			n, err := parseInt(text, g)
			if errors.Is(err, errNotInt) || err == nil && n < least {
				return errors.New(allowed)
			}
			*field(s) = n
			return err
		},
		show: func(s *Settings) string { return fmt.Sprintf("%d %s", *field(s), unit) },
	}
}

// secondsSetting is a time given as a number of seconds, not negative.
func secondsSetting(field func(*Settings) *time.Duration, names ...string) *definition {
	return &definition{
		names: names,
		set: func(s *Settings, v any, _ Generation) error {
			text, _ := v.(string)
			f, err := parseFloat(text)
			if err != nil || math.IsNaN(f) || f < 0 {
				return errors.New("want a number of seconds, 0 or more")
			}
			*field(s) = seconds(f)
			return nil
		},
		show: func(s *Settings) string { return field(s).String() },
	}
}
