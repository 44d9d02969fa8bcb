// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Variables that make this program one of the two that log with a spool.
const (
	spoolVariable = "QUICKSTART_SPOOL" // the folder
	diesVariable  = "QUICKSTART_DIES"  // the program is killed as soon as it has logged
)

// word is what such a program tells of a record once it was logged.
type word struct {
	Message string
	Time    time.Time
}

// survive logs from a program that is killed, and from the same one started again, and reads back what both
// have logged.
func survive(ctx context.Context) (err error) {
	prefect, err := connect()
	if err != nil {
		return err
	}
	defer prefect.close()
	if err := prefect.createRuns(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "quickstart-spool-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	var said []entry
	for _, dies := range []string{"true", "false"} {
		words, err := start(ctx, prefect, dir, dies)
		if err != nil {
			return err
		}
		said = append(said, words...)
		if dies == "true" {
			fmt.Printf("a program logged %d records and was killed at once; it is started again\n", len(words))
		} else {
			fmt.Printf("it logged %d more, found what it had left, and sent both\n\n", len(words))
		}
	}
	return prefect.report(ctx, said)
}

// start runs this program with a spool, to its end, and returns what it logged.
func start(ctx context.Context, prefect *prefect, dir, dies string) (said []entry, err error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program := exec.CommandContext(ctx, executable)
	program.Env = append(os.Environ(), spoolVariable+"="+dir, diesVariable+"="+dies,
		"PREFECT_API_URL="+prefect.settings.APIURL, "PREFECT_LOGGING_LEVEL=DEBUG", "PREFECT__FLOW_RUN_ID="+prefect.flow.ID)
	program.Stderr = os.Stderr
	var out bytes.Buffer
	program.Stdout = &out
	err = program.Run()
	if _, killed := errors.AsType[*exec.ExitError](err); err != nil && !(killed && dies == "true") {
		return nil, err
	}
	var words []word
	if err := json.Unmarshal(out.Bytes(), &words); err != nil {
		return nil, err
	}
	for _, w := range words {
		all := append([]line{received, done}, lines...)
		if at := slices.IndexFunc(all, func(l line) bool { return l.message == w.Message }); at >= 0 {
			said = append(said, entry{line: all[at], time: w.Time, run: run.Info{FlowRunID: prefect.flow.ID}})
		}
	}
	return said, nil
}

// program logs with a spool, into the run of the environment, and ends well or is killed.
func program(ctx context.Context, dir string, dies bool) error {
	loaded, err := settings.Load(settings.WithoutFiles())
	if err != nil {
		return err
	}
	pipeline, err := prefectlogs.Setup(ctx, prefectlogs.WithSettings(loaded), prefectlogs.WithSpool(dir))
	if err != nil {
		return err
	}
	recorder := &recorder{Handler: pipeline.Logger(loggerName).Handler()}
	logger := slog.New(recorder)
	if dies {
		received.log(ctx, logger)
		for _, l := range lines {
			l.log(ctx, logger)
		}
	} else {
		done.log(ctx, logger)
	}
	var words []word
	for _, e := range recorder.said {
		words = append(words, word{Message: e.message, Time: e.time})
	}
	if err := json.NewEncoder(os.Stdout).Encode(words); err != nil {
		return err
	}
	if dies {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return errors.Join(self.Kill(), errors.New("still alive"))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return pipeline.Shutdown(ctx)
}
