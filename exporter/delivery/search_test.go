// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// poisoned plays a server that fails whenever a post holds one of the words.
func poisoned(faults map[string]prefecttest.Fault) prefecttest.Option {
	return prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
		if !strings.HasSuffix(r.URL.Path, "/logs/") {
			return nil
		}
		body, _ := io.ReadAll(r.Body) // in memory
		for word, fault := range faults {
			if strings.Contains(string(body), word) {
				return &fault
			}
		}
		return nil
	})
}

// withPoison is the numbers from 0, with poison in some places.
func withPoison(n int, word string, at ...int) []string {
	all := numbers(n)
	for _, i := range at {
		all[i] = fmt.Sprintf("%s %d", word, i)
	}
	return all
}

// searched delivers a request with poison and checks that nothing else is refused.
func searched(t *testing.T, b *bench, all []string, word string, reason payload.Reason) {
	t.Helper()
	o := b.Deliver(t.Context(), messages(all...), nil)
	balanced(t, o, len(all))
	want, stored := map[string]payload.Reason{}, map[string]bool{}
	for _, m := range all {
		if strings.HasPrefix(m, word) {
			want[m] = reason
		} else {
			stored[m] = true
		}
	}
	if diff := cmp.Diff(want, refused(o)); diff != "" {
		t.Errorf("refused: %s", diff)
	}
	if o.Overloaded != 0 {
		t.Errorf("%d failures count for the size of the request and not for the poison", o.Overloaded)
	}
	got := map[string]bool{}
	for _, m := range b.stored() {
		if got[m] {
			t.Errorf("%s stands twice", m)
		}
		got[m] = true
	}
	if !maps.Equal(got, stored) {
		t.Errorf("stored: %s", cmp.Diff(stored, got))
	}
}

func TestPoisonIsFoundWhereverItStands(t *testing.T) {
	kinds := []struct {
		name   string
		fault  prefecttest.Fault
		reason payload.Reason
		posts  int // extra, at most
		all    int // extra exchanges, at most
	}{
		{"400", prefecttest.Status(400), payload.ReasonInvalid, 10, 12},
		{"422 that names none", prefecttest.Refuse(), payload.ReasonInvalid, 10, 12},
		{"409", prefecttest.Status(409), payload.ReasonConflict, 10, 12},
		{"500 of Prefect", prefects(500), payload.ReasonFailing, 14, 19},
		{"503 of Prefect", prefects(503), payload.ReasonFailing, 14, 19},
		{"502 of a proxy", prefecttest.Status(502), payload.ReasonFailing, 18, 1000},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			mostPosts, mostCalls := 0, 0
			for _, n := range []int{2, 3, 200} {
				for at := 0; at < n; at += max(n/60, 1) {
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t, poisoned(map[string]prefecttest.Fault{"poison": k.fault}))
						searched(t, b, withPoison(n, "poison", at), "poison", k.reason)
						posts, calls := b.count("post")-1, len(b.calls())-1
						mostPosts, mostCalls = max(mostPosts, posts), max(mostCalls, calls)
						if posts > k.posts || calls > k.all {
							t.Errorf("record %d of %d: %d extra posts, %d extra exchanges\n%s", at, n, posts, calls, strings.Join(b.calls(), "\n"))
						}
					})
				}
			}
			t.Logf("at most %d extra posts, %d extra exchanges", mostPosts, mostCalls)
		})
	}
}

func TestSeveralPoisonsInOneRequest(t *testing.T) {
	for _, status := range []int{400, 500} {
		for _, at := range [][]int{{0, 1}, {0, 199}, {0, 100}, {0, 1, 2}, {5, 6, 7}, {0, 50, 100, 150}, {198, 199}} {
			t.Run(fmt.Sprint(status, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fault, reason := prefecttest.Status(400), payload.ReasonInvalid
					if status == 500 {
						fault, reason = prefects(500), payload.ReasonFailing
					}
					b := newBench(t, poisoned(map[string]prefecttest.Fault{"poison": fault}))
					searched(t, b, withPoison(200, "poison", at...), "poison", reason)
					if posts := b.count("post") - 1; posts > 18*len(at) {
						t.Errorf("%d extra posts for %d poisons", posts, len(at))
					}
				})
			})
		}
	}
}

func TestPoisonAloneIsRefusedOnAServerThatIsWell(t *testing.T) {
	for status, reason := range map[int]payload.Reason{400: payload.ReasonInvalid, 409: payload.ReasonConflict, 500: payload.ReasonFailing} {
		synctest.Test(t, func(t *testing.T) {
			fault := prefects(status)
			b := newBench(t, poisoned(map[string]prefecttest.Fault{"poison": fault}))
			start := time.Now()
			searched(t, b, []string{"poison"}, "poison", reason)
			// 19 waits, each of which draws from 0 to twice its interval: 0.5, 1, 2 … 30 s.
			if took := time.Since(start); status != 500 && took > 0 || took > 15*time.Minute {
				t.Errorf("%d: took %v", status, took)
			}
		})
	}
}

// What every request gets says nothing about its content.
func TestWhatEveryRequestGetsRefusesNothing(t *testing.T) {
	wrongVersion := prefecttest.Status(400).Body(`{"detail":"The request specified API version 0.7.0 but this server requires version 0.8.0 or higher."}`)
	tests := []struct {
		name  string
		fault []prefecttest.Fault
	}{
		{"400 for all", []prefecttest.Fault{wrongVersion.OnAny()}},
		{"400 for all posts, even of nothing", []prefecttest.Fault{prefecttest.Status(400)}},
		{"409 for all, and no reading", []prefecttest.Fault{prefecttest.Status(409), prefecttest.Status(503).On("POST", "/logs/filter")}},
		{"422 for all", []prefecttest.Fault{prefecttest.Status(422).OnAny()}},
		{"500 for all", []prefecttest.Fault{prefects(500).OnAny()}},
		{"503 for all posts: a disk that is full", []prefecttest.Fault{prefects(503)}},
		{"502 for all posts of a proxy", []prefecttest.Fault{prefecttest.Status(502)}},
	}
	for _, tt := range tests {
		for _, n := range []int{2, 200} {
			t.Run(fmt.Sprintf("%s, %d records", tt.name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					for _, f := range tt.fault {
						b.server.FaultAlways(f)
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					o := b.Deliver(ctx, numbered(n), nil)
					balanced(t, o, n)
					if len(o.Refused) > 0 {
						t.Errorf("%d are refused", len(o.Refused))
					}
					if got := len(b.calls()); got > 150 {
						t.Errorf("%d requests in a minute", got)
					}
					b.server.ClearFaults()
					o = b.Deliver(t.Context(), o.Unsent, nil)
					balanced(t, o, n)
					if o.Stored != n || len(b.stored()) != n {
						t.Errorf("%d are stored, %d on the server", o.Stored, len(b.stored()))
					}
				})
			})
		}
	}
}

// A server on which nothing can be written for long loses few, and is not stormed.
func TestLongFailureOfWritingLosesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.FaultAlways(prefects(503))
		time.AfterFunc(time.Hour, b.server.ClearFaults)
		o := b.Deliver(t.Context(), numbered(200), nil)
		balanced(t, o, 200)
		if len(o.Refused) > 15 {
			t.Errorf("%d are refused", len(o.Refused))
		}
		if got := len(b.calls()); got > 1000 {
			t.Errorf("%d requests in an hour", got)
		}
		t.Logf("%d refused, %d requests", len(o.Refused), len(b.calls()))
	})
}

// Failures that come and go are no poison.
func TestFailuresThatComeAndGoRefuseNothing(t *testing.T) {
	for _, every := range []int{2, 3} {
		synctest.Test(t, func(t *testing.T) {
			posts := 0
			b := newBench(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
				if !strings.HasSuffix(r.URL.Path, "/logs/") {
					return nil
				}
				if posts++; posts%every == 1 {
					return new(prefects(500))
				}
				return nil
			}))
			for range 50 {
				o := b.Deliver(t.Context(), numbered(20), nil)
				balanced(t, o, 20)
				if o.Stored != 20 {
					t.Fatalf("got %+v", o)
				}
			}
		})
	}
}

// A record that fails by itself once, and not again, is not to blame.
func TestRecordThatFailsByItselfOnceIsStored(t *testing.T) {
	for _, at := range []int{0, 7, 49} {
		synctest.Test(t, func(t *testing.T) {
			failed := false
			b := newBench(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
				body, _ := io.ReadAll(r.Body) // in memory
				if failed || !strings.HasSuffix(r.URL.Path, "/logs/") || !strings.Contains(string(body), "suspect") {
					return nil
				}
				failed = strings.Count(string(body), "level") == 1
				return new(prefects(500))
			}))
			o := b.Deliver(t.Context(), messages(withPoison(50, "suspect", at)...), nil)
			balanced(t, o, 50)
			if o.Stored != 50 || len(b.stored()) != 50 || !failed {
				t.Errorf("got %+v", o)
			}
		})
	}
}

// Callers that retry by themselves get there too.
func TestPushFindsPoisonOverSeveralCalls(t *testing.T) {
	for name, fault := range map[string]prefecttest.Fault{"of Prefect": prefects(500), "of a proxy": prefecttest.Status(500)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, poisoned(map[string]prefecttest.Fault{"poison": fault}))
				left := messages(withPoison(50, "poison", 17)...)
				var total payload.Outcome
				for range 5 {
					o := b.Push(t.Context(), left)
					balanced(t, o, left.Records())
					if o.Unknown > 0 {
						t.Errorf("%d unknown behind a push", o.Unknown)
					}
					left, o.Unsent, o.Err = o.Unsent, payload.Request{}, nil
					total.Merge(o)
					if left.Records() == 0 {
						break
					}
				}
				if total.Stored != 49 || len(b.stored()) != 49 || len(total.Refused) != 1 {
					t.Errorf("%d stored, refused %v", total.Stored, refused(total))
				}
			})
		})
	}
}

func TestPoisonIsFoundOnAServerThatCannotBeAsked(t *testing.T) {
	for name, fault := range map[string]prefecttest.Fault{"500": prefects(500), "502": prefecttest.Status(502), "400": prefecttest.Status(400)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, poisoned(map[string]prefecttest.Fault{"poison": fault}))
				b.server.FaultAlways(prefecttest.Status(403).On("POST", "/logs/filter"))
				reason := payload.ReasonFailing
				if name == "400" {
					reason = payload.ReasonInvalid
				}
				searched(t, b, withPoison(100, "poison", 3, 60), "poison", reason)
				if got := len(b.calls()); got > 120 {
					t.Errorf("%d requests", got)
				}
			})
		})
	}
}

// A server that says when to come again is busy, and not poisoned.
func TestRetryAfterStartsNoSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.FaultAlways(prefects(503).RetryAfter("20"))
		time.AfterFunc(time.Hour, b.server.ClearFaults)
		o := b.Deliver(t.Context(), numbered(50), nil)
		balanced(t, o, 50)
		if got := b.count("post"); o.Stored != 50 || got > 181 || b.count("post 50") != got {
			t.Errorf("got %+v after %d posts", o, got)
		}
	})
}

func TestThreeThousandRecordsWithSeventeenPoisons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records, perRequest = 3000, 200
		want := map[string]payload.Reason{}
		all := numbers(records)
		spoil := func(word string, reason payload.Reason, at ...int) {
			for _, i := range at {
				all[i] = fmt.Sprintf("%s %d", word, i)
				want[all[i]] = reason
			}
		}
		spoil("named", payload.ReasonInvalid, 0, 7, 8, 399, 400, 1201, 1300, 1399, 2000, 2200, 2999)
		spoil("unread", payload.ReasonInvalid, 10, 1500, 2999-1)
		spoil("failing", payload.ReasonFailing, 20, 800, 2399)
		b := newBench(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
			if !strings.HasSuffix(r.URL.Path, "/logs/") {
				return nil
			}
			body, _ := io.ReadAll(r.Body) // in memory
			var fault prefecttest.Fault
			switch text := string(body); {
			case strings.Contains(text, "unread"):
				fault = prefecttest.Status(400).Body(`{"detail":"There was an error parsing the body"}`)
			case strings.Contains(text, "named"):
				var named []int
				for i, line := range strings.Split(text, "\n") {
					if strings.Contains(line, "named") {
						named = append(named, i)
					}
				}
				fault = prefecttest.Refuse(named...)
			case strings.Contains(text, "failing"):
				fault = prefects(503)
			default:
				return nil
			}
			return &fault
		}))
		var total payload.Outcome
		for i := 0; i < records; i += perRequest {
			o := b.Deliver(t.Context(), messages(all[i:i+perRequest]...), nil)
			balanced(t, o, perRequest)
			total.Merge(o)
		}
		if total.Stored != 2983 || len(b.stored()) != 2983 {
			t.Errorf("%d stored, %d on the server; want 2983", total.Stored, len(b.stored()))
		}
		if diff := cmp.Diff(want, refused(total)); diff != "" {
			t.Errorf("refused: %s", diff)
		}
		posts, looks := b.count("post"), b.count("look")
		// 15 requests; one more for each of 7 answers that name records; 18 for each of 6 others.
		if extra := posts + looks - records/perRequest; extra > 11+6*18 {
			t.Errorf("%d extra requests, of which %d looks", extra, looks)
		}
		t.Logf("%d posts, %d looks", posts, looks)
	})
}
