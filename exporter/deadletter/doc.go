// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package deadletter answers what became of records that a server refused: a file keeps them, so
// that they can be sent again once what was wrong is mended.
//
// The entry points are [Open], for who writes, and [Replay]. The file has JSON lines:
//
//	key       what it is
//	time      when the record was refused, RFC 3339
//	reason    why: invalid, conflict, server_error, too_large
//	target    the API's address, without credentials
//	record    the LogCreate, as it was sent
//
//	file            what it is
//	PATH            the newest records, up to half of the size
//	PATH.1          those before, as many; older ones are dropped
//	PATH.lock       guards the two; empty
//	PATH.replay.N   what a replay has taken and not settled; the next one begins with it
//
// Files are 0600. Several processes may share them.
package deadletter
