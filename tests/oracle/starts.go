// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	starters = 40
	between  = 50 * time.Millisecond // starters begin one after the other
	settle   = 5 * time.Second       // kine fills a revision that is missing after a second
)

// Starts is what API servers that started while others wrote never heard of.
type Starts struct {
	Written  int     `json:"written"`  // creates that were acknowledged
	Failed   int     `json:"failed"`   // creates that were not
	Starters int     `json:"starters"` // how many listed, and then watched from there
	Misled   int     `json:"misled"`   // how many of them neither listed nor heard of something that was acknowledged
	Missed   int     `json:"missed"`   // how many creates each of them missed, all together
	Rate     float64 `json:"rate"`     // acknowledged creates a second
}

// starts is many API servers that begin as one does, by a list and a watch from its revision on, while eight others write.
func starts(address string) (*Starts, error) {
	d, err := connected(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.client.Close() }()
	if _, _, err := d.create(prefix+"configmaps/before", []byte("before")); err != nil {
		return nil, err
	}
	stop, over := make(chan struct{}), make(chan struct{})
	var writing, watching sync.WaitGroup
	var lock sync.Mutex
	written, failed := []string{}, 0
	began := time.Now()
	for writer := range writers {
		writing.Add(1)
		go func() {
			defer writing.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("%sconfigmaps/writer-%d-%d", prefix, writer, n)
				_, ok, err := d.create(key, []byte("written"))
				lock.Lock()
				if err == nil && ok {
					written = append(written, key)
				} else {
					failed++
				}
				lock.Unlock()
			}
		}()
	}
	known := make([]map[string]bool, starters)
	for starter := range starters {
		time.Sleep(between)
		watching.Add(1)
		go func() {
			defer watching.Done()
			known[starter] = d.start(over)
		}()
	}
	close(stop)
	writing.Wait()
	seconds := time.Since(began).Seconds()
	time.Sleep(settle)
	close(over)
	watching.Wait()
	found := &Starts{Written: len(written), Failed: failed, Starters: starters, Rate: float64(len(written)) / seconds}
	for _, keys := range known {
		missed := 0
		for _, key := range written {
			if !keys[key] {
				missed++
			}
		}
		found.Missed += missed
		if missed > 0 {
			found.Misled++
		}
	}
	return found, nil
}

// start lists, watches what comes after the list until it is over, and returns the keys that either has shown.
func (d *driver) start(over <-chan struct{}) map[string]bool {
	keys := map[string]bool{}
	answer, err := d.get(prefix+"configmaps/", clientv3.WithPrefix())
	if err != nil {
		return keys
	}
	for _, kv := range answer.Kvs {
		keys[string(kv.Key)] = true
	}
	limit, cancel := context.WithCancel(clientv3.WithRequireLeader(context.Background()))
	defer cancel()
	events := d.client.Watch(limit, prefix+"configmaps/", clientv3.WithPrefix(), clientv3.WithRev(answer.Header.Revision+1))
	for {
		select {
		case <-over:
			return keys
		case answer, open := <-events:
			if !open || answer.Err() != nil {
				return keys
			}
			for _, e := range answer.Events {
				keys[string(e.Kv.Key)] = true
			}
		}
	}
}
