// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package diag_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prefectlogs/prefectlogs/internal/diag"
)

// As package log does under slog.SetDefault: what is told is told under its mutex, which the handler wants too.
func TestAHandlerThatWaitsForWhoeverTellsItIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held, heard := make(chan struct{}, 1), make(chan error, 1)
		r := diag.New(func(err error) {
			held <- struct{}{}
			heard <- err
		})
		held <- struct{}{}
		r.Tell(errors.New("x"))
		<-held
		if err := <-heard; err == nil || err.Error() != "x" {
			t.Errorf("heard %v", err)
		}
	})
}

// As a handler that logs what is told of in turn: a record without a run, under the policy error.
func TestAHandlerThatIsToldOfWhatItSaysEnds(t *testing.T) {
	var mu sync.Mutex
	calls := 0
	var r *diag.Reporter
	r = diag.New(func(err error) {
		mu.Lock()
		calls++
		deep := calls > 1000
		mu.Unlock()
		if deep {
			return
		}
		r.Tell(err)
	})
	r.Tell(errors.New("x"))
	mu.Lock()
	defer mu.Unlock()
	if calls > 100 {
		t.Errorf("%d calls", calls)
	}
}
