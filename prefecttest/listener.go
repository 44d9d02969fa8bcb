// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// defaultHost is the name an in-memory server goes by. The domain .test is reserved, so it never resolves elsewhere.
const defaultHost = "prefect.test"

// memoryListener accepts connections made of [net.Pipe]: they wait on channels only, so a synctest bubble sees them as
// durably blocked, which it never does for sockets.
type memoryListener struct {
	host  string
	conns chan net.Conn
	done  chan struct{}
	close func()
}

func newMemoryListener(host string) *memoryListener {
	l := &memoryListener{host: host, conns: make(chan net.Conn), done: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.done) })
	return l
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.close()
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.host) }

// dial connects to the server. Any other host is an error, as a name that does not resolve is.
func (l *memoryListener) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(addr); err != nil || host != l.host {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return &memoryConn{Conn: client, peer: memoryAddr(l.host)}, nil
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: network, Addr: l.Addr(), Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Addr: l.Addr(), Err: context.Cause(ctx)}
	}
}

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) + ":80" }

// memoryConn is the client's end. It reports a peer that is gone as a socket does: a pipe says io.ErrClosedPipe, which
// no code that looks for network errors knows.
type memoryConn struct {
	net.Conn
	peer   memoryAddr
	closed atomic.Bool
}

func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = c.gone("write", syscall.EPIPE)
	}
	return n, err
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = c.gone("read", syscall.ECONNRESET)
	}
	return n, err
}

// SetDeadline and the like succeed although the peer is gone, as on a socket.
func (c *memoryConn) SetDeadline(t time.Time) error { return c.lenient(c.Conn.SetDeadline(t)) }

func (c *memoryConn) SetReadDeadline(t time.Time) error { return c.lenient(c.Conn.SetReadDeadline(t)) }

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	return c.lenient(c.Conn.SetWriteDeadline(t))
}

func (c *memoryConn) lenient(err error) error {
	if errors.Is(err, io.ErrClosedPipe) && !c.closed.Load() {
		return nil
	}
	return err
}

func (c *memoryConn) gone(op string, err error) error {
	if c.closed.Load() {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: c.peer.Network(), Addr: c.peer, Err: err}
}

func (c *memoryConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}
