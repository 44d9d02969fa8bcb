// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// reports is a host that notes what is reported to it.
type reports []string

func (*reports) GetExtensions() map[component.ID]component.Component { return nil }

func (r *reports) Report(e *componentstatus.Event) { *r = append(*r, e.Status().String()) }

// What people have to mend is told whenever it comes up: a server that is not there yet may refuse the key when it is.
func TestWhatWatchingMeetsIsToldWhenItChanges(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	set := processortest.NewNopSettings(Type)
	set.Logger = zap.New(core)
	c, err := newCore(set, NewFactory().CreateDefaultConfig().(*Config))
	if err != nil {
		t.Fatal(err)
	}
	network, access := &prefectapi.Error{Kind: prefectapi.KindNetwork}, &prefectapi.Error{Kind: prefectapi.KindAccess}
	for _, step := range []struct {
		name  string
		err   error
		says  string // the level
		state string
	}{
		{"all is well", nil, "", ""},
		{"the server is not there", network, "warn", ""},
		{"the server is still not there", network, "", ""},
		{"the server refuses the key", access, "warn", "StatusRecoverableError"},
		{"the server refuses the key still", access, "", ""},
		{"the server is gone", network, "warn", ""},
		{"something else is wrong", errors.New("no JSON"), "", ""},
		{"the server refuses the key again", access, "warn", "StatusRecoverableError"},
		{"the key is right", nil, "info", "StatusOK"},
		{"the key is still right", nil, "", ""},
	} {
		var host reports
		c.tell(&host, step.err, true)
		var says []string
		for _, entry := range logged.TakeAll() {
			says = append(says, entry.Level.String())
		}
		if diff := cmp.Diff([]string{step.says, step.state}, []string{strings.Join(says, " "), strings.Join(host, " ")}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", step.name, diff)
		}
	}
}
