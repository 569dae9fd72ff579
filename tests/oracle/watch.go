// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// watch collects all events after a revision, with the values before them, until stop is closed.
func (d *driver) watch(after int64, stop <-chan struct{}) []string {
	limit, cancel := context.WithCancel(clientv3.WithRequireLeader(context.Background()))
	defer cancel()
	events := d.client.Watch(limit, prefix, clientv3.WithPrefix(), clientv3.WithRev(after+1), clientv3.WithPrevKV())
	var found []string
	for {
		select {
		case <-stop:
			return found
		case answer, open := <-events:
			if !open || answer.Err() != nil {
				return append(found, fmt.Sprintf("ended: %v", answer.Err()))
			}
			for _, e := range answer.Events {
				found = append(found, seenEvent(e))
			}
			d.lock.Lock()
			d.watched = len(found)
			d.lock.Unlock()
		}
	}
}

func seenEvent(e *clientv3.Event) string {
	kind := "put"
	if e.Type == clientv3.EventTypeDelete {
		kind = "delete"
	}
	line := event(e.Kv.ModRevision, kind, string(e.Kv.Key))
	if (e.IsModify() || kind == "delete") && (e.PrevKv == nil || len(e.PrevKv.Value) == 0) {
		line += " without the value before"
	}
	return line
}

// awaitWatch waits until the watch has shown as many events as there were, or for too long.
func (d *driver) awaitWatch() {
	until := time.Now().Add(watchTimeout)
	for time.Now().Before(until) {
		d.lock.Lock()
		done := d.watched >= len(d.events)
		d.lock.Unlock()
		if done {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (d *driver) finishWatch(watched <-chan []string, stop chan<- struct{}) {
	d.awaitWatch()
	close(stop)
	d.seen.Watches = d.compare(<-watched)
}

func (d *driver) compare(found []string) string {
	sort.Strings(d.events)
	if strings.Join(found, "\n") == strings.Join(d.events, "\n") {
		return ""
	}
	shown := map[string]bool{}
	for _, line := range found {
		if strings.HasPrefix(line, "ended") {
			return line
		}
		shown[line] = true
	}
	for _, line := range d.events {
		if !shown[line] && shown[line+" without the value before"] {
			return "events lack the value before"
		}
		if !shown[line] {
			return "events are missing"
		}
	}
	return "events in another order, or twice"
}
