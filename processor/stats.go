// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import "fmt"

// Stats counts what became of every record since the start. Each part of a record
// that was split counts as one. At every instant
//
//	Emitted + Adopted = Stored + Refused + Dropped + Skipped + Queued + InFlight + Spooled + Unknown
//
// where Dropped and Skipped are the sums of their reasons.
type Stats struct {
	Emitted  uint64 // handed to OnEmit; and notices of losses, once they are sent
	Adopted  uint64 // taken over from processes that have ended, as far as they are read
	Stored   uint64 // stored by the server
	Refused  uint64 // not taken by the server
	Dropped  Dropped
	Skipped  Skipped
	Queued   uint64 // waiting
	InFlight uint64 // in the request under way
	Unknown  uint64 // under way when a shutdown was cut off: the server may have stored them

	// Spooled wait in files alone; after Shutdown, for the next process.
	Spooled uint64
	// Unspooled were accepted while the disk of the spool failed, and are in no file. They
	// are counted above too.
	Unspooled uint64

	QueuedBytes uint64 // memory of the queue, records under way included
	Requests    uint64 // handed to the exporter
	Bytes       uint64 // of those requests
	Retries     uint64 // of those requests, each behind a wait

	// Of those stored: found on the server though no answer said so, stored by
	// another try after one that might have stored them, and that without
	// having been looked for, since the server could not be asked.
	Resolved, Resent, Blind uint64
	// Duplicated are the records that were found to stand twice on the server.
	Duplicated uint64
}

// Dropped are the records given up for want of room or time.
type Dropped struct {
	QueueFull uint64 // the queue had no room
	TooLarge  uint64 // longer than a log may be, where policy drops such records, or an earlier process left them
	SpoolFull uint64 // left by earlier processes, more than the spool has room for
	SpoolLost uint64 // in files alone that could not be read back
	Shutdown  uint64 // not delivered when a shutdown was cut off, or emitted after it
}

// Skipped are the records that policy leaves out.
type Skipped struct {
	NoRun    uint64 // they belong to no run
	OptedOut uint64 // they say send_to_api=false
	Disabled uint64 // logging to the API is disabled
	Own      uint64 // they come from the work of prefectlogs itself
}

// Total returns the sum over all reasons.
func (d Dropped) Total() uint64 {
	return d.QueueFull + d.TooLarge + d.SpoolFull + d.SpoolLost + d.Shutdown
}

// Total returns the sum over all reasons.
func (s Skipped) Total() uint64 { return s.NoRun + s.OptedOut + s.Disabled + s.Own }

// String tells the counters in a line, for people.
func (s Stats) String() string {
	text := fmt.Sprintf("%d emitted: %d stored, %d refused, %d dropped, %d skipped, %d queued (%d bytes), %d in flight, %d unknown; %d resent, %d duplicated",
		s.Emitted, s.Stored, s.Refused, s.Dropped.Total(), s.Skipped.Total(), s.Queued, s.QueuedBytes, s.InFlight, s.Unknown, s.Resent, s.Duplicated)
	if s.Adopted+s.Spooled+s.Unspooled > 0 {
		text += fmt.Sprintf("; spool: %d adopted, %d spooled, %d not in a file", s.Adopted, s.Spooled, s.Unspooled)
	}
	return text
}
