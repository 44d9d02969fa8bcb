// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// How often the program is killed, and how many of these times only when it is about to send what those before have left.
const (
	kills     = 100
	lateKills = 4
)

// What the program logs: this many records in quick succession, and then one now and then.
const (
	quickRecords = 80
	programLines = 2 // goroutines
)

// Variables that make this binary the program.
const (
	spoolFolderVariable = "PREFECTLOGS_TEST_SPOOL"
	spoolURLVariable    = "PREFECTLOGS_TEST_SPOOL_URL"
	spoolRunVariable    = "PREFECTLOGS_TEST_SPOOL_RUN"
	spoolRoundVariable  = "PREFECTLOGS_TEST_SPOOL_ROUND" // "last …": it ends by itself
	spoolLeftVariable   = "PREFECTLOGS_TEST_SPOOL_LEFT"  // "true": there are records of programs before, for one that ends by itself
)

// TestSpoolProgram is the program that is killed; in other processes it does nothing. It writes the text of each record to
// file 3 once the call that logs it has returned.
func TestSpoolProgram(t *testing.T) {
	dir, round := os.Getenv(spoolFolderVariable), os.Getenv(spoolRoundVariable)
	if dir == "" {
		return
	}
	loaded, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", os.Getenv(spoolURLVariable)))
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(loaded), prefectlogs.WithSpool(dir),
		prefectlogs.WithBatch(processor.WithBatchInterval(20*time.Millisecond), processor.WithBatchRecords(50),
			// A disk that others have busy is waited for: by default that ends after 250 ms, and a record is in memory alone.
			processor.WithOverflow(processor.Block), processor.WithBlockTimeout(limit)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: os.Getenv(spoolRunVariable)})
	logger, returned := pipeline.Logger("spool"), os.NewFile(3, "returned")
	var lines sync.WaitGroup
	for line := range programLines {
		lines.Go(func() {
			pace := time.NewTicker(4 * time.Millisecond)
			defer pace.Stop()
			for i := 0; i < quickRecords || !strings.HasPrefix(round, "last"); i++ {
				level := slog.LevelInfo
				if i%10 == 0 {
					level = slog.LevelError
				}
				text := fmt.Sprintf("round %s, line %d, record %d", round, line, i)
				logger.Log(ctx, level, text)
				if _, err := fmt.Fprintln(returned, text); err != nil {
					t.Error(err)
				}
				if i%8 == 0 {
					<-pace.C
				}
				for range min(max(i-quickRecords, 0), 10) {
					<-pace.C
				}
			}
		})
	}
	lines.Wait()
	if err := pipeline.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	s := pipeline.Stats()
	if s.Emitted+s.Adopted != s.Stored+s.Spooled || (s.Adopted > 0) != (os.Getenv(spoolLeftVariable) == "true") {
		t.Errorf("the last program: %v", s)
	}
	t.Log(s)
}

// TestAProgramThatIsKilledLosesNothing is the proof of the spool: a program is killed a hundred times, wherever it is, and
// started again each time. In the end each record whose log call had returned stands on the run's page, once; so does
// each other one at most.
func TestAProgramThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flow, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 7))
	proxy := newSlowProxy(t, s)
	dir := filepath.Join(t.TempDir(), "spool")
	program := spoolProgram{t: t, environment: []string{
		spoolFolderVariable + "=" + dir, spoolURLVariable + "=" + proxy.URL + "/api", spoolRunVariable + "=" + flow, "TMPDIR=" + t.TempDir(),
	}}
	began := time.Now()
	returned := map[string]bool{}
	for i := range kills {
		records, late := random.IntN(programLines*quickRecords), time.Duration(random.IntN(30))*time.Millisecond
		if i%(kills/lateKills) == kills/lateKills-1 {
			records, late = programLines*quickRecords, 5*time.Second+time.Duration(random.IntN(1500))*time.Millisecond
		}
		program.start(strconv.Itoa(i))
		program.killAfter(records, late)
		program.collect(returned)
	}
	killed := time.Since(began)
	files := func() []string {
		left, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	records := func() (n int) {
		for _, file := range files() {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(text), ",\n")
		}
		return n
	}
	for i := range 20 { // others have the server busy, and a program leaves what cannot be sent
		program.start(fmt.Sprint("last ", i), spoolLeftVariable+"="+strconv.FormatBool(records() > 0))
		program.wait()
		program.collect(returned)
		if len(files()) == 0 {
			break
		}
	}

	stored := map[string]int{}
	for _, log := range readStored(t, s, flow) {
		stored[log.Message]++
		if stored[log.Message] == 2 {
			t.Errorf("this stands twice: %s", log.Message)
		}
	}
	lost := 0
	for text := range returned {
		if stored[text] == 0 {
			lost++
		}
	}
	t.Logf("%d kills in %v, %d records returned, %d stored, %d requests of which the server stored what no program was told, all in %v",
		kills, killed.Round(time.Second), len(returned), len(stored), proxy.orphans.Load(), time.Since(began).Round(time.Second))
	if lost > 0 {
		t.Errorf("%d of %d records are lost whose log call had returned", lost, len(returned))
	}
	if len(returned) < 50*kills || proxy.orphans.Load() < kills/10 {
		t.Errorf("too little happened: %d records, %d kills between commit and answer", len(returned), proxy.orphans.Load())
	}
	if left := files(); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

// spoolProgram is the program that logs with a spool.
type spoolProgram struct {
	t           *testing.T
	environment []string
	command     *exec.Cmd
	output      strings.Builder
	records     chan string // closed at the program's end
	seen        []string
}

func (p *spoolProgram) start(round string, more ...string) {
	p.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.command = exec.CommandContext(p.t.Context(), os.Args[0], "-test.run=^TestSpoolProgram$", "-test.v")
	p.command.Env = slices.Concat(p.environment, []string{spoolRoundVariable + "=" + round}, more)
	p.command.ExtraFiles = []*os.File{write}
	p.output.Reset()
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	if err := errors.Join(p.command.Start(), write.Close()); err != nil {
		p.t.Fatal(err)
	}
	records := make(chan string, 1<<16)
	p.records = records
	go func() {
		defer close(records)
		defer read.Close()
		for lines := bufio.NewReader(read); ; {
			text, err := lines.ReadString('\n')
			if err != nil {
				return // a text without an end is none: its write was cut off, if its record was not
			}
			records <- strings.TrimSuffix(text, "\n")
		}
	}()
}

// killAfter kills the program that long after it has told of so many records.
func (p *spoolProgram) killAfter(records int, late time.Duration) {
	p.t.Helper()
	for range records {
		text, ok := <-p.records
		if !ok {
			p.t.Fatalf("the program ended by itself: %v\n%s", p.command.Wait(), p.output.String())
		}
		p.seen = append(p.seen, text)
	}
	select {
	case <-time.After(late):
	case <-p.t.Context().Done():
	}
	if err := p.command.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.command.Wait() // it was killed
}

// wait waits for the program's own end.
func (p *spoolProgram) wait() {
	p.t.Helper()
	if err := p.command.Wait(); err != nil {
		p.t.Errorf("the last program: %v", err)
	}
	p.t.Log(p.output.String())
}

// collect adds the records that the program has told of.
func (p *spoolProgram) collect(to map[string]bool) {
	for text := range p.records {
		to[text] = true
	}
	for _, text := range p.seen {
		to[text] = true
	}
	p.seen = nil
}

// slowProxy hands requests on late, and answers late, so that a program is killed in between.
type slowProxy struct {
	*httptest.Server
	upstream string
	orphans  atomic.Int64 // requests that the server took, and whose sender was gone then
	under    stragglers   // POSTs of logs that are under way
}

func newSlowProxy(t *testing.T, s *servers.Server) *slowProxy {
	p := &slowProxy{upstream: strings.TrimSuffix(s.APIURL(), "/api")}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *slowProxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program was killed while it sent
	}
	posted := r.URL.Path == "/api/logs/"
	if posted {
		defer p.under.begin(r.Context())()
	} else {
		p.under.wait(r.Context())
	}
	if posted && rand.IntN(4) == 0 {
		<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.Method, p.upstream+r.URL.String(), strings.NewReader(string(body)))
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	if posted && rand.IntN(2) == 0 {
		select {
		case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
		case <-r.Context().Done():
		}
	}
	if posted && answer.StatusCode == http.StatusCreated && r.Context().Err() != nil {
		p.orphans.Add(1)
	}
	w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // the program may be gone
}
