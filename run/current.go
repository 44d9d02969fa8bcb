// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
)

// Current returns the run that work under ctx belongs to: the one that
// [NewContext] put there, else that of trusted baggage, else that of the
// environment. A task run comes from the source of the flow run or from one before
// it. Ids are in their canonical spelling.
//
// Without a flow run the error is [ErrNoRun], or says which variable of the
// environment cannot be read; Info then holds a task run, if one is known.
//
// Records look at more, since they are bound to spans, scopes and resources too: see
// package mapping.
func Current(ctx context.Context) (Info, error) {
	info, err := current(ctx)
	if info.FlowRunID == "" && err == nil {
		err = ErrNoRun
	}
	return info, err
}

// current returns what is known, and an error of the environment where it was asked.
func current(ctx context.Context) (Info, error) {
	info, _ := FromContext(ctx)
	if info = info.or(fromBaggage(ctx)); info.FlowRunID != "" {
		return info, nil
	}
	inherited, err := FromEnvironment()
	return info.or(inherited), err
}
