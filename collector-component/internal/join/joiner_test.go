// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/run"
)

// ids are short names for ids: the name, padded.
func traceID(name string) (id join.TraceID) { copy(id[:], name); return id }
func spanID(name string) (id join.SpanID)   { copy(id[:], name); return id }
func runID(name string) (id run.ID)         { copy(id[:], name); return id }

func runs(flow, task string) run.IDs { return run.IDs{Flow: runID(flow), Task: runID(task)} }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const second = time.Second

func ample() join.Config {
	return join.Config{MaxBytes: 64 << 20, Expiry: time.Hour, MaxWait: 10 * second, MaxWaitBytes: 1 << 20}
}

// scene tells a joiner of things by short names, and notes what becomes of logs.
type scene struct {
	*join.Joiner[string]
	now time.Time
	got []string
}

func newScene(config join.Config) *scene {
	return &scene{Joiner: join.New[string](config, start), now: start}
}

// span is a span without attributes of a run.
func (s *scene) span(trace, span, parent string) {
	s.Span(s.now, traceID(trace), spanID(span), spanID(parent), run.IDs{}, false)
}

func (s *scene) flow(trace, span, parent, flow string) {
	s.Span(s.now, traceID(trace), spanID(span), spanID(parent), runs(flow, ""), true)
}

func (s *scene) task(trace, span, parent, task string) {
	s.Span(s.now, traceID(trace), spanID(span), spanID(parent), runs("", task), false)
}

func (s *scene) label(trace, span, flow, task string) {
	s.Label(s.now, join.Label{Trace: traceID(trace), Span: spanID(span), Run: runs(flow, task)})
}

// log is a log of the name to be joined.
func (s *scene) log(trace, span, name string) {
	s.note()
	if answer, certain := s.Find(s.now, traceID(trace), spanID(span)); certain {
		s.got = append(s.got, said(name, answer, "at once"))
		return
	}
	if answer, taken := s.Wait(s.now, traceID(trace), spanID(span), name, 100); !taken {
		s.note()
		s.got = append(s.got, said(name, answer, "no room"))
	}
}

func (s *scene) after(d time.Duration) {
	s.note()
	s.now = s.now.Add(d)
	s.Expire(s.now)
	s.note()
}

func (s *scene) note() {
	for _, log := range s.Settled() {
		s.got = append(s.got, said(log.Log, log.Answer, [...]string{"found", "expired", "crowded", "drained"}[log.Cause]))
	}
}

func said(name string, a join.Answer, how string) string {
	text := func(id run.ID) string { return strings.TrimRight(string(id[:]), "\x00") }
	return fmt.Sprintf("%s %s/%s %s %s", name, text(a.Run.Flow), text(a.Run.Task), [...]string{"none", "task", "flow", "trace"}[a.Rule], how)
}

func TestLogsFindTheirRun(t *testing.T) {
	tests := []struct {
		name string
		tell func(s *scene)
		want []string
	}{
		{"in the span of a task run, whose flow run is above", func(s *scene) {
			s.flow("t", "f", "", "F")
			s.task("t", "a", "f", "A")
			s.log("t", "a", "1")
		}, []string{"1 F/A task at once"}},
		{"below the span of a task run, with all spans late", func(s *scene) {
			s.log("t", "y", "1")
			s.span("t", "y", "x")
			s.span("t", "x", "a")
			s.task("t", "a", "f", "A")
			s.note()
			s.flow("t", "f", "", "F")
		}, []string{"1 F/A task found"}},
		{"each under the right one of two task runs", func(s *scene) {
			s.label("t", "f", "F", "")
			s.label("t", "a", "F", "A")
			s.label("t", "b", "F", "B")
			s.log("t", "x", "1")
			s.log("t", "y", "2")
			s.span("t", "x", "a")
			s.span("t", "y", "b")
		}, []string{"1 F/A task found", "2 F/B task found"}},
		{"by labels alone, before any span has come", func(s *scene) {
			s.label("t", "f", "F", "")
			s.label("t", "a", "F", "A")
			s.log("t", "f", "1")
			s.log("t", "a", "2")
		}, []string{"1 F/ flow at once", "2 F/A task at once"}},
		{"in a span that never comes, of a trace that is known", func(s *scene) {
			s.label("t", "f", "F", "")
			s.log("t", "x", "1")
			s.after(10 * second)
		}, []string{"1 F/ trace expired"}},
		{"in a trace of which nothing is known", func(s *scene) {
			s.log("t", "x", "1")
			s.after(10*second - 1)
			s.after(1)
		}, []string{"1 / none expired"}},
		{"in no span, of a trace whose flow run is known for certain", func(s *scene) {
			s.label("t", "f", "F", "")
			s.log("t", "", "1")
		}, []string{"1 F/ trace at once"}},
		{"beside the flow run, below the first span of the trace", func(s *scene) {
			s.span("t", "r", "")
			s.flow("t", "f", "r", "F")
			s.log("t", "r", "1")
		}, []string{"1 F/ trace at once"}},
		{"in a sub-flow, not in the flow run around it", func(s *scene) {
			s.flow("t", "f", "", "F")
			s.task("t", "a", "f", "A")
			s.flow("t", "g", "a", "G")
			s.task("t", "b", "g", "B")
			s.log("t", "g", "1")
			s.log("t", "b", "2")
			s.log("t", "a", "3")
		}, []string{"1 G/ flow at once", "2 G/B task at once", "3 F/A task at once"}},
		{"by trace, in the flow run around a sub-flow", func(s *scene) {
			s.flow("t", "g", "f", "G")
			s.flow("t", "f", "", "F")
			s.log("t", "lost", "1")
			s.after(10 * second)
		}, []string{"1 F/ trace expired"}},
		{"by trace, in the flow run around a sub-flow, by labels alone", func(s *scene) {
			s.label("t", "f", "F", "")
			s.Label(s.now, join.Label{Trace: traceID("t"), Span: spanID("g"), Run: runs("G", ""), Sub: true})
			s.log("t", "lost", "1")
			s.after(10 * second)
		}, []string{"1 F/ trace expired"}},
		{"by trace, not in a flow run of which it cannot be told where it stands", func(s *scene) {
			s.label("t", "f", "F", "")
			s.flow("t", "g", "lost", "G")
			s.log("t", "", "1")
			s.after(10 * second)
		}, []string{"1 F/ trace expired"}},
		{"by trace at once, in a sub-flow whose caller is in another trace", func(s *scene) {
			s.flow("t", "g", "", "G")
			s.Label(s.now, join.Label{Trace: traceID("t"), Span: spanID("g"), Run: runs("G", ""), Sub: true})
			s.log("t", "", "1")
		}, []string{"1 G/ trace at once"}},
		{"by trace, in a sub-flow of a flow run of which nothing is known", func(s *scene) {
			s.Label(s.now, join.Label{Trace: traceID("t"), Span: spanID("g"), Run: runs("G", ""), Sub: true})
			s.log("t", "lost", "1")
			s.after(10 * second)
		}, []string{"1 G/ trace expired"}},
		{"not by trace, where it has two flow runs side by side", func(s *scene) {
			s.span("t", "r", "")
			s.flow("t", "f", "r", "F")
			s.flow("t", "g", "r", "G")
			s.task("t", "b", "g", "B")
			s.log("t", "lost", "1")
			s.log("t", "b", "2")
			s.after(10 * second)
		}, []string{"1 / none expired", "2 G/B task found"}},
		{"in a task run that is within a task run", func(s *scene) {
			s.flow("t", "f", "", "F")
			s.task("t", "a", "f", "A")
			s.task("t", "b", "a", "B")
			s.log("t", "b", "1")
		}, []string{"1 F/B task at once"}},
		{"in a task run whose flow run's span is lost", func(s *scene) {
			s.task("t", "a", "f", "A")
			s.log("t", "a", "1")
			s.after(10 * second)
		}, []string{"1 /A task expired"}},
		{"in a task run whose flow run only a log tells", func(s *scene) {
			s.task("t", "a", "f", "A")
			s.log("t", "a", "1")
			s.Log(s.now, traceID("t"), spanID("f"), runs("F", "A"))
			s.note()
		}, []string{"1 F/A task found"}},
		{"below a span that says its task run, of a service that knows Prefect", func(s *scene) {
			s.Span(s.now, traceID("t"), spanID("x"), spanID("lost"), runs("F", "A"), false)
			s.span("t", "y", "x")
			s.log("t", "y", "1")
		}, []string{"1 F/A task at once"}},
		{"below a span that says its flow run alone, in the task run above it", func(s *scene) {
			s.label("t", "f", "F", "")
			s.label("t", "a", "F", "A")
			s.Span(s.now, traceID("t"), spanID("x"), spanID("a"), runs("F", ""), false)
			s.log("t", "x", "1")
		}, []string{"1 F/A task at once"}},
		{"below a span that says its flow run, within another flow run", func(s *scene) {
			s.label("t", "f", "F", "")
			s.Span(s.now, traceID("t"), spanID("x"), spanID("f"), runs("G", ""), false)
			s.log("t", "x", "1")
		}, []string{"1 G/ flow at once"}},
		{"below a span in which Python logged for a task run", func(s *scene) {
			s.Log(s.now, traceID("t"), spanID("a"), runs("F", "A"))
			s.span("t", "x", "a")
			s.log("t", "x", "1")
		}, []string{"1 F/A task at once"}},
		{"not in a task run, where logs of two name the same span", func(s *scene) {
			s.Log(s.now, traceID("t"), spanID("f"), runs("F", "A"))
			s.Log(s.now, traceID("t"), spanID("f"), runs("F", "B"))
			s.log("t", "f", "1")
			s.after(10 * second)
		}, []string{"1 F/ trace expired"}},
		{"in the flow run, whatever task run has its span as a label", func(s *scene) {
			s.label("t", "f", "F", "Sub") // the task run that stands for a sub-flow
			s.label("t", "f", "F", "")
			s.log("t", "f", "1")
			s.span("t", "x", "f")
			s.log("t", "x", "2")
		}, []string{"1 F/ flow at once", "2 F/ flow at once"}},
		{"in the run that the span says, not what a log or a label does", func(s *scene) {
			s.Log(s.now, traceID("t"), spanID("a"), runs("F", "B"))
			s.label("t", "a", "F", "C")
			s.task("t", "a", "f", "A")
			s.flow("t", "f", "", "F")
			s.log("t", "a", "1")
		}, []string{"1 F/A task at once"}},
		{"in a flow run that was started again, in both of its spans", func(s *scene) {
			s.flow("t", "f1", "", "F")
			s.label("t", "f2", "F", "")
			s.log("t", "f1", "1")
			s.log("t", "f2", "2")
			s.flow("t", "f2", "f1", "F")
			s.log("t", "f2", "3")
			s.log("t", "", "4")
		}, []string{"1 F/ flow at once", "2 F/ flow at once", "3 F/ flow at once", "4 F/ trace at once"}},
		{"of another trace with spans of the same names", func(s *scene) {
			s.flow("t", "f", "", "F")
			s.flow("u", "f", "", "G")
			s.log("t", "f", "1")
			s.log("u", "f", "2")
		}, []string{"1 F/ flow at once", "2 G/ flow at once"}},
		{"with spans that are each other's parents", func(s *scene) {
			s.span("t", "x", "y")
			s.span("t", "y", "x")
			s.span("t", "z", "z")
			s.log("t", "x", "1")
			s.log("t", "z", "2")
			s.after(10 * second)
		}, []string{"1 / none expired", "2 / none expired"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(ample())
			tt.tell(s)
			s.note()
			if diff := cmp.Diff(tt.want, s.got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLogsOfATraceStayInOrder(t *testing.T) {
	s := newScene(ample())
	s.label("t", "a", "F", "A")
	s.log("t", "a", "1")
	s.log("t", "x", "2")
	s.log("t", "a", "3") // known, and yet behind 2
	s.log("u", "x", "4")
	s.after(second)
	s.log("t", "y", "5")
	s.log("t", "a", "6")
	s.label("u", "x", "G", "")
	s.after(9 * second) // 2 has waited for long enough
	s.after(second)     // and 5
	want := []string{
		"1 F/A task at once", "4 G/ flow found", "2 F/ trace expired", "3 F/A task found", "5 F/ trace expired", "6 F/A task found",
	}
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestACrowdIsSettledInOrder(t *testing.T) {
	config := ample()
	config.MaxWaitBytes = 250 // two logs
	s := newScene(config)
	s.label("t", "f", "F", "")
	s.log("t", "x", "1")
	s.log("u", "x", "2")
	s.log("t", "x", "3")
	s.log("t", "x", "4")
	if got := s.Stats(); got.Waiting != 2 || got.WaitingBytes != 200 {
		t.Errorf("%d logs of %d bytes wait", got.Waiting, got.WaitingBytes)
	}
	if _, taken := s.Wait(s.now, traceID("t"), spanID("x"), "5", 300); taken {
		t.Error("a log larger than all of the room was taken")
	}
	s.note()
	want := []string{"1 F/ trace crowded", "2 / none crowded", "3 F/ trace crowded", "4 F/ trace crowded"}
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDrainSettlesWhatIsChosenAndWhatStandsBeforeIt(t *testing.T) {
	s := newScene(ample())
	s.log("t", "x", "keep 1")
	s.log("t", "x", "2")
	s.log("t", "x", "keep 3")
	s.log("u", "x", "4")
	s.log("v", "x", "keep 5")
	s.Drain(func(log string) bool { return !strings.HasPrefix(log, "keep") })
	s.note()
	want := []string{"keep 1 / none drained", "2 / none drained", "4 / none drained"}
	if diff := cmp.Diff(want, s.got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := s.Stats().Waiting; got != 2 {
		t.Errorf("%d logs wait", got)
	}
}

func TestNextIsWhenTheFirstLogHasWaited(t *testing.T) {
	s := newScene(ample())
	if _, waits := s.Next(); waits {
		t.Error("something waits")
	}
	s.log("t", "x", "1")
	s.after(second)
	s.log("t", "x", "2")
	if at, waits := s.Next(); !waits || !at.Equal(start.Add(10*second)) {
		t.Errorf("%v, %v", at, waits)
	}
}

func TestTracesAreForgottenWhenSilent(t *testing.T) {
	config := ample()
	config.Expiry = time.Minute
	s := newScene(config)
	s.label("watched", "f", "G", "")
	s.flow("silent", "f", "", "F")
	s.span("plain", "x", "")
	for range 2 {
		s.after(40 * second)
		s.label("watched", "f", "G", "")
	}
	s.log("silent", "f", "1")
	s.log("watched", "f", "2")
	s.after(10 * second)
	if diff := cmp.Diff([]string{"2 G/ flow at once", "1 / none expired"}, s.got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := s.Stats(); got.Forgotten.Expired != 2 || got.Traces != 2 || got.Spans != 1 || got.Runs != 1 {
		t.Errorf("%+v", got)
	}
}

// The bound holds whatever comes, and traces with a run outlive those without.
func TestMemoryIsBounded(t *testing.T) {
	config := ample()
	config.MaxBytes = 1 << 20
	s := newScene(config)
	s.flow("mine", "f", "", "F")
	s.log("waits", "x", "1")
	for i := range 100_000 {
		name := fmt.Sprint("n", i)
		s.span(name, "x", "y")
		s.span(name, "y", "")
		if got := s.Stats(); got.Bytes > config.MaxBytes {
			t.Fatalf("%d bytes after %d traces", got.Bytes, i)
		}
	}
	stats := s.Stats()
	if stats.Forgotten.Evicted < 90_000 || stats.Traces < 2000 || stats.Traces+stats.Forgotten.Evicted != 100_002 {
		t.Errorf("%+v", stats)
	}
	s.log("mine", "f", "2")
	s.span("waits", "x", "f")
	s.flow("waits", "f", "", "G")
	s.log("waits", "x", "3")
	s.note()
	if diff := cmp.Diff([]string{"2 F/ flow at once", "1 G/ flow found", "3 G/ flow at once"}, s.got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// One trace that is larger than all there is room for takes a quarter of it from the others.
	before := s.Stats().Traces
	for i := range 100_000 {
		s.span("huge", fmt.Sprint(i), "")
	}
	if got := s.Stats(); got.Bytes > config.MaxBytes || got.Forgotten.Refused == 0 || got.Spans < 4000 || got.Traces < before/2 {
		t.Errorf("%+v of %d traces", got, before)
	}
	s.log("mine", "f", "4")
	s.span("later", "y", "x")
	s.flow("later", "x", "", "H")
	s.log("later", "y", "5")
	s.note()
	if diff := cmp.Diff([]string{"4 F/ flow at once", "5 H/ flow at once"}, s.got[3:]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
