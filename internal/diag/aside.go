// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package diag

import "time"

// What a handler of the user's may take of the goroutine that logs.
const (
	patience = 250 * time.Millisecond
	atOnce   = 16 // calls under way
)

// aside keeps a handler from harming the program where it logs through the very loggers that it is told of, which is
// what log.Print does under slog.SetDefault. The goroutine that is told may be within a call of package log and hold
// its mutex, so the handler runs on another one and is left behind if it takes long. And what the handler
// logs may be told in turn, and so on: beyond a number of calls under way, standard error takes the rest.
func aside(handle func(error)) func(error) {
	slots := make(chan struct{}, atOnce)
	return func(err error) {
		select {
		case slots <- struct{}{}:
		default:
			Stderr(err)
			return
		}
		done := make(chan struct{})
		go func() {
			defer func() {
				<-slots
				close(done)
			}()
			handle(err)
		}()
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
		}
	}
}
