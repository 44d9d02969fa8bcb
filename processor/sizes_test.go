// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// sizes returns how many records each request has stored, in order.
func (r *rig) sizes() (sizes []int) {
	for _, request := range r.server.Requests() {
		if request.Method == "POST" && request.Path == "/api/logs/" && request.Status == 201 {
			sizes = append(sizes, bytes.Count(request.Body, []byte(payload.LineStart)))
		}
	}
	return sizes
}

func TestRequestsShrinkWhereTheServerFailsAndGrowWhereItDoesNot(t *testing.T) {
	prefects := prefecttest.Status(503).Header("Content-Type", "application/json").Body(`{"exception_message":"Service Unavailable"}`)
	for name, fault := range map[string]prefecttest.Fault{"503 of a proxy": prefecttest.Status(503), "503 of Prefect": prefects, "no answer in time": prefecttest.Hang()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				const requests = 7
				for range requests { // each is stored when it is sent again
					r.server.Fault(fault, prefecttest.Delay(1))
				}
				flush := func() (sizes []int) {
					before := len(r.sizes())
					r.info(3000)
					if err := r.batch.ForceFlush(t.Context()); err != nil {
						t.Fatal(err)
					}
					return r.sizes()[before:]
				}
				if got := flush()[:requests]; got[0] != 200 || got[1] != 100 || got[requests-1] != 50 {
					t.Errorf("sizes %v while each request failed once", got)
				}
				flush()
				if got := flush(); got[len(got)-2] <= 50 {
					t.Errorf("sizes %v when the server was well again", got)
				}
				r.balance()
			})
		})
	}
}
