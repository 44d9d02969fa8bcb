// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"
)

// csrfLifetime is how long a token lives, PREFECT_SERVER_CSRF_TOKEN_EXPIRATION's default.
const csrfLifetime = time.Hour

// csrfTokens holds the one valid token of each client.
type csrfTokens map[string]csrfToken

type csrfToken struct {
	token   string
	expires time.Time
}

// forged refuses a request that changes something and carries no valid token.
func (s *Server) forged(r *http.Request, path string) (answer, bool) {
	if !s.csrf {
		return answer{}, false
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return answer{}, false
	}
	token, client := r.Header["Prefect-Csrf-Token"], r.Header["Prefect-Csrf-Client"]
	if len(token) == 0 {
		return plain(http.StatusForbidden, "Missing CSRF token."), true
	}
	if len(client) == 0 {
		return plain(http.StatusForbidden, "Missing client identifier."), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.tokens[client[0]]; !ok || held.token != token[0] || !time.Now().Before(held.expires) {
		return plain(http.StatusForbidden, "Invalid CSRF token or client identifier."), true
	}
	return answer{}, false
}

// createCSRFToken is GET /csrf-token: a new token, in place of the client's last one.
func (s *Server) createCSRFToken(r *http.Request, _ []byte) answer {
	client := r.URL.Query().Get("client")
	if !r.URL.Query().Has("client") {
		return refusalAt(s.generation, "query", []detail{{loc: []any{"client"}, problem: missing}}, value{})
	}
	if !s.csrf {
		return plain(http.StatusUnprocessableEntity, "CSRF protection is disabled.")
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	now := time.Now()
	t := csrfToken{token: hex.EncodeToString(random[:]), expires: now.Add(csrfLifetime)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = csrfTokens{}
	}
	s.tokens[client] = t
	return reply(http.StatusOK, map[string]string{
		"id": newID(), "created": s.instant(now), "updated": s.instant(now),
		"token": t.token, "client": client, "expiration": s.instant(t.expires),
	})
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	id, _ := parseUUID(hex.EncodeToString(b[:]), true) // 32 digits
	return id
}
