// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

func TestThePackageCommentHasTheFormOfTheFile(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for field := range reflect.TypeFor[deadletter.Entry]().Fields() {
		keys = append(keys, field.Tag.Get("json"))
	}
	at := 0
	for _, key := range keys {
		i := strings.Index(string(comment[at:]), "//\t"+key+" ")
		if i < 0 {
			t.Errorf("doc.go has no row for %s, or not where the file has it", key)
			continue
		}
		at += i
	}
	reasons := payload.ReasonInvalid + ", " + payload.ReasonConflict + ", " + payload.ReasonFailing + ", " + payload.ReasonTooLarge
	if !strings.Contains(string(comment), string(reasons)) {
		t.Errorf("doc.go does not have the reasons %s", reasons)
	}
}
