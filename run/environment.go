// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"os"
)

// The variables that name the run of a process. Prefect sets the first two
// (runner.py and client/attribution.py); a parent may set the third.
const (
	FlowRunIDVariable = "PREFECT__FLOW_RUN_ID"
	FlowNameVariable  = "PREFECT__FLOW_NAME"
	TaskRunIDVariable = "PREFECT__TASK_RUN_ID"
)

// FromEnvironment returns the run that the process was started for, with ids
// in their canonical spelling. Where no run is named, it returns the zero Info
// and no error. An id that is no UUID is an error that names the variable.
//
// A task run id alone, as a task outside of any flow may pass it on, makes no
// run by itself: it holds for records whose flow run another source names.
func FromEnvironment() (Info, error) {
	return fromVariables(os.Getenv)
}

func fromVariables(getenv func(string) string) (Info, error) {
	info := Info{FlowName: getenv(FlowNameVariable)}
	var problems []error
	canonical := func(variable string) string {
		value := getenv(variable)
		if value == "" {
			return ""
		}
		id, err := ParseID(value)
		if err != nil {
			problems = append(problems, fmt.Errorf("run: %s is %w; correct it or unset it", variable, err))
			return ""
		}
		return id.String()
	}
	info.FlowRunID = canonical(FlowRunIDVariable)
	info.TaskRunID = canonical(TaskRunIDVariable)
	if err := errors.Join(problems...); err != nil {
		return Info{}, err
	}
	if info.FlowRunID == "" {
		info.FlowName = "" // of no run that is known
	}
	return info, nil
}
