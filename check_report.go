// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"errors"
	"fmt"
	"strings"
)

// Report is what [Check] found, step by step. It holds no secret.
type Report struct {
	Steps []Step `json:"steps"`
}

// Step is one thing that was looked at.
type Step struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Found is what is the case, in one line or several.
	Found string `json:"found"`
	// Fix is what to do about it; "" where nothing is, or Found says it.
	Fix string `json:"fix,omitempty"`
}

// Status is how a step came out.
type Status uint8

// The statuses. A warning is of something that is likely wrong and keeps no log from its page.
const (
	StatusOK Status = iota
	StatusWarn
	StatusFail
	StatusSkipped // there was nothing to look at, or no way to
)

var statusNames = [...]string{StatusOK: "ok", StatusWarn: "warn", StatusFail: "fail", StatusSkipped: "skipped"}

// String returns "ok", "warn", "fail" or "skipped".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// MarshalText gives what String returns.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Failed returns the steps that failed, in order.
func (r Report) Failed() []Step { return r.of(StatusFail) }

func (r Report) of(status Status) (steps []Step) {
	for _, s := range r.Steps {
		if s.Status == status {
			steps = append(steps, s)
		}
	}
	return steps
}

// String lays the report out for people: a paragraph for each step, and a verdict. Steps in a row that were skipped
// for one reason share a line.
func (r Report) String() string {
	var out strings.Builder
	const margin = "\n                    " // as wide as status and name
	for i := 0; i < len(r.Steps); {
		s := r.Steps[i]
		names := []string{s.Name}
		for i++; i < len(r.Steps) && s.Status == StatusSkipped && r.Steps[i].Status == s.Status && r.Steps[i].Found == s.Found; i++ {
			names = append(names, r.Steps[i].Name)
		}
		text := s.Found
		if len(names) > 1 {
			text = "and " + strings.Join(names[1:], ", ") + ": " + text
		}
		if s.Fix != "" {
			text += "\nfix: " + s.Fix
		}
		fmt.Fprintf(&out, "%-8s  %-8s  %s\n", s.Status, s.Name, strings.ReplaceAll(text, "\n", margin))
	}
	out.WriteString("\n" + r.verdict() + "\n")
	return out.String()
}

func (r Report) verdict() string {
	var names []string
	for _, s := range r.Failed() {
		names = append(names, s.Name)
	}
	switch {
	case len(names) > 0:
		return "Logs do not arrive. What failed: " + strings.Join(names, ", ") + "."
	case len(r.of(StatusWarn)) > 0:
		return "Nothing failed; there are warnings."
	}
	return "All is well."
}

// err joins what failed.
func (r Report) err() error {
	var errs []error
	for _, s := range r.Failed() {
		errs = append(errs, fmt.Errorf("prefectlogs: check of %s: %s: %s", s.Name, s.Found, s.Fix))
	}
	return errors.Join(errs...)
}

func stepOK(format string, args ...any) Step {
	return Step{Status: StatusOK, Found: fmt.Sprintf(format, args...)}
}

func stepSkipped(found string) Step { return Step{Status: StatusSkipped, Found: found} }

func stepWarn(found, fix string) Step { return Step{Status: StatusWarn, Found: found, Fix: fix} }

func stepFail(found, fix string) Step { return Step{Status: StatusFail, Found: found, Fix: fix} }
