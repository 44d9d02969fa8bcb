// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseDoesNotOutlastItsContextWhereTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, answers := newMemory(), make(chan struct{})
		s, err := open(Config{Dir: "spool", Target: "t", Wait: time.Minute, MaxPage: 1 << 20, Say: func(error) {}}, disk)
		if err != nil {
			t.Fatal(err)
		}
		disk.setFail(func(_ string, n int) (int, error) { <-answers; return n, nil })
		go s.NewFile().Append([]byte("line")) // under Block a caller waits that long
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err = s.Close(ctx)
		if took := time.Since(began); err == nil || took > 2*time.Second {
			t.Errorf("it took %v: %v", took, err)
		}
		close(answers)
		<-s.done
	})
}
