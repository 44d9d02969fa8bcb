// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"testing"
	"testing/synctest"
)

func TestRequestsGrowWhereTheServerStoresLargeOnesFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		for range 20 { // a server that takes no time at all stores the largest requests at the highest rate
			if err := b.push(t.Context(), logs(numbers(1000)...)); err != nil {
				t.Fatal(err)
			}
		}
		posts := b.posts()
		if posts[0] != "200 201" || posts[len(posts)-1] != "1000 201" {
			t.Errorf("requests, with their statuses: %v", posts)
		}
	})
}
