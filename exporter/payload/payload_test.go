// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

const (
	flowID = "11111111-2222-3333-4444-555555555555"
	taskID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

func line(message string) []byte {
	head := payload.AppendHead(nil, 20, 1_700_000_000_000_006, []byte(flowID), nil)
	return fmt.Appendf(head, `n","message":%q}`, message)
}

// page makes a page of the messages; lines copies keep the test's expectations apart.
func page(messages ...string) *payload.Page {
	size := 0
	for _, m := range messages {
		size += len(line(m)) + 2
	}
	p := payload.NewPage(size)
	for _, m := range messages {
		if p.Append(line(m)) == nil {
			panic("page too small")
		}
	}
	return p
}

func messages(t *testing.T, r *payload.Request) []string {
	t.Helper()
	body, err := io.ReadAll(r.Body())
	if err != nil {
		t.Fatal(err)
	}
	if len(body) != r.Size() {
		t.Fatalf("Size() = %d, body has %d bytes", r.Size(), len(body))
	}
	var logs []struct{ Message string }
	if err := json.Unmarshal(body, &logs); err != nil {
		t.Fatalf("body is no JSON: %v\n%s", err, body)
	}
	if len(logs) != r.Records() {
		t.Fatalf("Records() = %d, body has %d", r.Records(), len(logs))
	}
	out := []string{}
	for _, l := range logs {
		out = append(out, l.Message)
	}
	return out
}

func TestHeadHasEachPartAtItsPlace(t *testing.T) {
	stamp := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).UnixMicro()
	got := string(payload.AppendHead(nil, 40, stamp, []byte(flowID), []byte(taskID)))
	want := `{"level":40,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"` + flowID + `","task_run_id":"` + taskID + `","name":"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := payload.Level([]byte(want)); got != 40 {
		t.Errorf("Level = %d", got)
	}
	if got := string(payload.Stamp([]byte(want))); got != "2026-01-02T03:04:05.000006Z" {
		t.Errorf("Stamp = %s", got)
	}
	if got := string(payload.FlowRunID([]byte(want))); got != flowID {
		t.Errorf("FlowRunID = %s", got)
	}
	if got := string(payload.TaskRunID([]byte(want))); got != taskID {
		t.Errorf("TaskRunID = %s", got)
	}
	without := payload.AppendHead(nil, 40, stamp, []byte(flowID), nil)
	if got := payload.TaskRunID(without); got != nil {
		t.Errorf("TaskRunID of a flow run's log = %s", got)
	}
}

func TestHeadKeepsLevelsAndYearsThatServersTake(t *testing.T) {
	for _, tt := range []struct {
		level, want int
	}{{-1, 10}, {5, 10}, {10, 10}, {59, 59}, {100, 59}} {
		if got := payload.Level(payload.AppendHead(nil, tt.level, 0, []byte(flowID), nil)); got != tt.want {
			t.Errorf("level %d became %d, want %d", tt.level, got, tt.want)
		}
	}
	for _, tt := range []struct {
		in   time.Time
		want string
	}{
		{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), "0001-01-01T00:00:00.000000Z"},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "9998-12-31T23:59:59.999999Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), "1969-12-31T23:59:59.999999Z"},
		{time.Date(2024, 2, 29, 12, 0, 0, 1000, time.FixedZone("", 3600)), "2024-02-29T11:00:00.000001Z"},
	} {
		line := line("x")
		payload.SetStamp(line, tt.in.UnixMicro())
		if got := string(payload.Stamp(line)); got != tt.want {
			t.Errorf("%v became %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestPageRefusesWhatDoesNotFit(t *testing.T) {
	one := line("one")
	p := payload.NewPage(2*len(one) + 1)
	if p.Append(one) == nil {
		t.Fatal("first line does not fit")
	}
	if p.Append(one) != nil {
		t.Error("second line fits although its separator does not")
	}
	if got := p.Lines().Records(); got != 1 {
		t.Errorf("page has %d records", got)
	}
	p.Reset()
	if p.Lines().Records() != 0 || p.Append(one) == nil {
		t.Error("an emptied page takes no line")
	}
}

func TestPageOfALineHasACopyOfItAlone(t *testing.T) {
	for _, message := range []string{"one", strings.Repeat("x", 100_001)} {
		one := line(message)
		want := string(one)
		p := payload.NewPageOf(one)
		clear(one)
		request := payload.Request{}
		request.Add(p.Lines(), payload.Limits{LogBytes: 1 << 20, Bytes: 1 << 20, Records: 10})
		if request.Records() != 1 || string(request.Line(0)) != want {
			t.Errorf("%d records, %.20q", request.Records(), request.Line(0))
		}
		if p.Cap() != len(want) || p.Append([]byte("x")) != nil {
			t.Errorf("room for more than a line of %d bytes: %d", len(want), p.Cap())
		}
	}
}

func TestRequestTakesWhatTheLimitsLeaveRoomFor(t *testing.T) {
	three := page("a", "b", "c").Lines()
	one := len(line("a"))
	tests := []struct {
		name   string
		limits payload.Limits
		want   []string
	}{
		{"all", payload.Limits{Bytes: 3*one + 2*2 + 2, Records: 3}, []string{"a", "b", "c"}},
		{"one byte short", payload.Limits{Bytes: 3*one + 2*2 + 1, Records: 3}, []string{"a", "b"}},
		{"by records", payload.Limits{Bytes: 1 << 20, Records: 1}, []string{"a"}},
		{"exactly one", payload.Limits{Bytes: one + 2, Records: 9}, []string{"a"}},
		{"none", payload.Limits{Bytes: one + 1, Records: 9}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r payload.Request
			rest := r.Add(three, tt.limits)
			if diff := cmp.Diff(tt.want, messages(t, &r)); diff != "" {
				t.Error(diff)
			}
			if rest.Records()+r.Records() != 3 {
				t.Errorf("%d records lost", 3-rest.Records()-r.Records())
			}
			var again payload.Request
			again.Add(rest, payload.Limits{Bytes: 1 << 20, Records: 100})
			if diff := cmp.Diff([]string{"a", "b", "c"}, append(messages(t, &r), messages(t, &again)...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequestJoinsPages(t *testing.T) {
	limits := payload.Limits{Bytes: 1 << 20, Records: 4}
	var r payload.Request
	r.Add(page("a", "b").Lines(), limits)
	rest := r.Add(page("c", "d", "e").Lines(), limits)
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, messages(t, &r)); diff != "" {
		t.Error(diff)
	}
	if rest.Records() != 1 {
		t.Errorf("rest has %d records", rest.Records())
	}
	if err := iotest.TestReader(r.Body(), readAll(t, r.Body())); err != nil {
		t.Error(err)
	}
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWithoutCutsTheNamedRecords(t *testing.T) {
	limits := payload.Limits{Bytes: 1 << 20, Records: 100}
	var r payload.Request
	r.Add(page("0", "1", "2").Lines(), limits)
	r.Add(page("3").Lines(), limits)
	r.Add(page("4", "5").Lines(), limits)
	for _, tt := range []struct {
		positions []int
		rest, cut []string
	}{
		{nil, []string{"0", "1", "2", "3", "4", "5"}, []string{}},
		{[]int{0, 3, 5}, []string{"1", "2", "4"}, []string{"0", "3", "5"}},
		{[]int{5, 1, 1, -4, 6, 99}, []string{"0", "2", "3", "4"}, []string{"1", "5"}},
		{[]int{0, 1, 2, 3, 4, 5}, []string{}, []string{"0", "1", "2", "3", "4", "5"}},
	} {
		rest, cut := r.Without(tt.positions)
		if diff := cmp.Diff(tt.rest, messages(t, &rest)); diff != "" {
			t.Errorf("%v rest: %s", tt.positions, diff)
		}
		if diff := cmp.Diff(tt.cut, messages(t, &cut)); diff != "" {
			t.Errorf("%v cut: %s", tt.positions, diff)
		}
	}
}

func TestCutsKeepOrderAndLoseNothing(t *testing.T) {
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprint(i))
	}
	var r payload.Request
	limits := payload.Limits{Bytes: 1 << 20, Records: 100}
	r.Add(page(names[:1]...).Lines(), limits)
	r.Add(page(names[1:5]...).Lines(), limits)
	r.Add(page(names[5:]...).Lines(), limits)
	for n := -1; n < 10; n++ {
		head, tail := r.Cut(n)
		if want := min(max(n, 0), 8); head.Records() != want {
			t.Errorf("Cut(%d): the head has %d records, want %d", n, head.Records(), want)
		}
		if diff := cmp.Diff(names, append(messages(t, &head), messages(t, &tail)...)); diff != "" {
			t.Errorf("Cut(%d): %s", n, diff)
		}
	}
	one := len(line("0"))
	for size := range 9 * (one + 2) {
		head, tail := r.CutSize(size)
		// n records and what joins them within brackets take n*(one+2) bytes.
		if want := min(max(size/(one+2), 1), 8); head.Records() != want {
			t.Errorf("CutSize(%d): the head has %d records, want %d", size, head.Records(), want)
		}
		if diff := cmp.Diff(names, append(messages(t, &head), messages(t, &tail)...)); diff != "" {
			t.Errorf("CutSize(%d): %s", size, diff)
		}
	}
	for i, name := range names {
		if got := string(r.Line(i)); got != string(line(name)) {
			t.Errorf("Line(%d) = %s", i, got)
		}
	}
	if got := r.Line(8); got != nil {
		t.Errorf("Line(8) = %s", got)
	}
}

func TestDecodeReadsWhatWasEncoded(t *testing.T) {
	const message = "hé \"\\ \n🎉"
	want := payload.Record{
		Level: 20, Timestamp: time.UnixMicro(1_700_000_000_000_006).UTC(), FlowRunID: flowID, Name: "n", Message: message,
	}
	got, err := payload.Decode(line(message))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"", "{", `{"level":"secret"}`, `{"message":secret}`, `{"timestamp":"secret"}`} {
		if _, err := payload.Decode([]byte(bad)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestEmptyRequestIsAnEmptyList(t *testing.T) {
	var r payload.Request
	if got := messages(t, &r); len(got) != 0 || r.Size() != 2 {
		t.Errorf("got %v, size %d", got, r.Size())
	}
}

// FuzzPacking: no request exceeds a limit, no record is lost or moved, whatever
// the sizes of lines, pages and limits.
func FuzzPacking(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(500), uint8(2), uint16(600))
	f.Add([]byte{255, 0, 255, 0}, uint16(0), uint8(0), uint16(0))
	f.Fuzz(func(t *testing.T, sizes []byte, pageSize uint16, records uint8, size uint16) {
		if len(sizes) > 200 {
			sizes = sizes[:200]
		}
		longest := len(line(strings.Repeat("x", 255)))
		limits := payload.Limits{Bytes: longest + payload.Overhead + int(size), Records: 1 + int(records)}
		var pages []*payload.Page
		var want []string
		for i, n := range sizes {
			message := fmt.Sprint(i%10) + strings.Repeat("x", max(int(n), 1)-1)
			want = append(want, message)
			if len(pages) == 0 || pages[len(pages)-1].Append(line(message)) == nil {
				pages = append(pages, payload.NewPage(longest+int(pageSize)))
				if pages[len(pages)-1].Append(line(message)) == nil {
					t.Fatal("a fresh page refuses a line")
				}
			}
		}
		var got []string
		var request payload.Request
		send := func() {
			if request.Size() > limits.Bytes || request.Records() > limits.Records {
				t.Fatalf("request of %d bytes, %d records exceeds %+v", request.Size(), request.Records(), limits)
			}
			if request.Records() == 0 {
				t.Fatal("no progress")
			}
			got = append(got, messages(t, &request)...)
			request = payload.Request{}
		}
		for _, p := range pages {
			for rest := p.Lines(); rest.Records() > 0; {
				if rest = request.Add(rest, limits); rest.Records() > 0 {
					send()
				}
			}
		}
		if request.Records() > 0 {
			send()
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}

func TestOnlyAWholeLineIsValid(t *testing.T) {
	for _, task := range [][]byte{nil, []byte(taskID)} {
		line := append(payload.AppendHead(nil, 40, 1_700_000_000_000_001, []byte(flowID), task), `lögger","message":"a \"b\" {\"level\":"}`...)
		if !payload.Valid(line) {
			t.Errorf("this is a line: %s", line)
		}
		for n := range line {
			if payload.Valid(line[:n]) {
				t.Errorf("the first %d bytes are no line: %s", n, line[:n])
			}
			if payload.Valid(line[n+1:]) {
				t.Errorf("what follows byte %d is no line: %s", n, line[n+1:])
			}
			for _, to := range []byte{0, '\n', '"'} {
				changed := bytes.Clone(line)
				changed[n] = to
				if to != line[n] && !(to == '"' && json.Valid(changed)) && payload.Valid(changed) {
					t.Errorf("with %q at byte %d it is no line: %s", to, n, changed)
				}
			}
		}
	}
	for _, other := range []string{
		"", "{}", `{"level":20}`,
		`{"level":60,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"n","message":"m"}`,
		`{"level":20,"timestamp":"2026-13-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"n","message":"m"}`,
		`{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-55555555555G","task_run_id":null,"name":"n","message":"m"}`,
		`{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":0000,"name":"n","message":"m"}`,
	} {
		if payload.Valid([]byte(other)) {
			t.Errorf("this is no line: %s", other)
		}
	}
}
