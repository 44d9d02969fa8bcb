// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package delivery answers how one request comes to be stored: it posts, cuts
// out what the server refuses, splits what is too large, and tries again what
// failed.
//
// The entry point is [New]. [Deliverer.Once] never waits; [Deliverer.Deliver] repeats
// it under backoff until the context ends.
//
//	answer                     what is done
//	stored                     done
//	422 that names records     those are refused, the rest is sent at once
//	413                        halved; a single record is refused
//	400 and the like, 409      halved; a single record is refused
//	401, 403, 404, redirect    held, and tried again slowly: a wrong key loses nothing
//	408, 425, 429, 503         tried again, not before Retry-After
//	other 5xx, no answer       tried again
//
// Waits grow from half a second to half a minute on average, with full jitter.
package delivery
