// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	requestTimeout = 2 * time.Second
	watchTimeout   = 8 * time.Second
	writers        = 8
	writesEach     = 10
	bigValue       = 1400 << 10 // an API server takes objects of up to 1.5 MiB
	prefix         = "/registry/"
)

// What an API server's keys look like where order and punctuation matter; the last ones lie outside of the range.
var inRange = []string{
	prefix + "pods/default/Upper",
	prefix + "pods/default/a",
	prefix + "pods/default/a-b",
	prefix + "pods/default/a.b",
	prefix + "pods/default/a0",
	prefix + "pods/kube-system/a",
}
var outside = []string{prefix + "pods-metrics/a", prefix + "pods.example.com/a", prefix + "podtemplates/a"}

// Count is how many of the tries failed, and how the last one did.
type Count struct {
	Tried  int    `json:"tried"`
	Failed int    `json:"failed"`
	Error  string `json:"error,omitempty"`
}

func (c *Count) add(err error) {
	c.Tried++
	if err != nil {
		c.Failed++
		c.Error = err.Error()
	}
}

// Seen is what kine did. An empty text stands for "as it should be".
type Seen struct {
	First      Count  `json:"first"`      // creates, one after the other
	Creates    Count  `json:"creates"`    // creates by several writers
	Updates    Count  `json:"updates"`    // updates of one key while it is compacted
	Compacts   Count  `json:"compacts"`   // compactions beside them
	Duplicates string `json:"duplicates"` // a second create of a key, an update of an old revision
	Case       string `json:"case"`       // keys that differ in case only
	Gaps       int64  `json:"gaps"`       // revisions that were skipped between the first creates
	Reads      string `json:"reads"`
	Lists      string `json:"lists"`
	Deletes    string `json:"deletes"`
	Watches    string `json:"watches"`
	Big        string `json:"big"` // an object near the API server's limit
}

type driver struct {
	client *clientv3.Client
	seen   Seen

	lock    sync.Mutex
	events  []string // what a watch has to show
	watched int      // how many it has shown
}

func connected(address string) (*driver, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: requestTimeout, Logger: zap.NewNop()})
	return &driver{client: client}, err
}

func drive(address string) (*Seen, error) {
	d, err := connected(address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.client.Close() }()
	revision := d.firstCreates()
	if d.seen.First.Failed == d.seen.First.Tried {
		return &d.seen, nil
	}
	watched := make(chan []string, 1)
	stop := make(chan struct{})
	go func() { watched <- d.watch(revision, stop) }()
	// Under writes a watch that begins may miss some, in kine itself: what commits late is older than what it began with.
	d.awaitWatch()
	d.manyCreates()
	d.seen.Duplicates = text(d.duplicates())
	d.seen.Case = text(d.letters())
	d.seen.Lists = text(d.lists())
	d.seen.Deletes = text(d.deletes())
	d.seen.Big = text(d.big())
	// Before the compactions: they keep so few revisions here that a watch could miss some.
	d.finishWatch(watched, stop)
	// After it, too: each loser takes a revision, and kine needs its time to fill the gaps.
	if d.seen.Duplicates == "" {
		d.seen.Duplicates = text(d.race())
	}
	d.compactions()
	return &d.seen, nil
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// The API server's three writes. Each returns the new revision, and whether the comparison held.

func (d *driver) create(key string, value []byte) (int64, bool, error) {
	return d.commit(d.client.Txn, key, 0, clientv3.OpPut(key, string(value)), nil)
}

func (d *driver) update(key string, value []byte, revision int64) (int64, bool, error) {
	get := clientv3.OpGet(key)
	return d.commit(d.client.Txn, key, revision, clientv3.OpPut(key, string(value)), &get)
}

func (d *driver) remove(key string, revision int64) (int64, bool, error) {
	get := clientv3.OpGet(key)
	return d.commit(d.client.Txn, key, revision, clientv3.OpDelete(key), &get)
}

func (d *driver) commit(
	begin func(context.Context) clientv3.Txn, key string, revision int64, then clientv3.Op, other *clientv3.Op,
) (int64, bool, error) {
	limit, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	txn := begin(limit).If(clientv3.Compare(clientv3.ModRevision(key), "=", revision)).Then(then)
	if other != nil {
		txn = txn.Else(*other)
	}
	answer, err := txn.Commit()
	if err != nil {
		return 0, false, err
	}
	if answer.Succeeded {
		d.expect(then, key, answer.Header.Revision)
	}
	return answer.Header.Revision, answer.Succeeded, nil
}

func (d *driver) expect(then clientv3.Op, key string, revision int64) {
	kind := "put"
	if then.IsDelete() {
		kind = "delete"
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	d.events = append(d.events, event(revision, kind, key))
}

func event(revision int64, kind, key string) string {
	return fmt.Sprintf("%020d %s %s", revision, kind, key)
}

func (d *driver) get(key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	limit, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	return d.client.Get(limit, key, options...)
}

// firstCreates returns the revision before its first create.
func (d *driver) firstCreates() int64 {
	var before, last int64
	for n := range 20 {
		revision, ok, err := d.create(fmt.Sprintf("%sconfigmaps/first-%d", prefix, n), []byte("first"))
		if err == nil && !ok {
			err = errors.New("a create of a new key was refused")
		}
		d.seen.First.add(err)
		if err == nil && before == 0 {
			before, last = revision-1, revision-1
		}
		if err == nil {
			// Not between writes at the same time: kine itself skips some when it reads them in another order.
			d.seen.Gaps += max(revision-last, last-revision) - 1
			last = revision
		}
		if err != nil && errors.Is(err, context.DeadlineExceeded) && d.seen.First.Tried == 2 {
			break // hangs: two are enough to know
		}
	}
	return before
}

func (d *driver) manyCreates() {
	var group sync.WaitGroup
	var lock sync.Mutex
	for writer := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range writesEach {
				_, ok, err := d.create(fmt.Sprintf("%sleases/node-%d-%d", prefix, writer, n), []byte("created"))
				if err == nil && !ok {
					err = errors.New("a create of a new key was refused")
				}
				lock.Lock()
				d.seen.Creates.add(err)
				lock.Unlock()
			}
		}()
	}
	group.Wait()
}

func (d *driver) duplicates() error {
	key := prefix + "leases/duplicate"
	first, _, err := d.create(key, []byte("created"))
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if _, ok, err := d.create(key, []byte("again")); err == nil && ok {
		return errors.New("accepts a second create of a key")
	}
	second, ok, err := d.update(key, []byte("updated"), first)
	if err != nil || !ok {
		return fmt.Errorf("refuses an update: %v", err)
	}
	if _, ok, err := d.update(key, []byte("late"), first); err == nil && ok {
		return errors.New("accepts an update of an old revision")
	}
	d.seen.Reads = text(d.reads(key, second))
	return nil
}

// race creates one key, and then updates it, from several sides at once: one of them may win. Whether a create or an
// update is the first with two winners is chance, so that both have the same words.
func (d *driver) race() error {
	for n := range 5 {
		key := fmt.Sprintf("%sleases/race-%d", prefix, n)
		revision, created := d.together(func() (int64, bool, error) { return d.create(key, []byte("raced")) })
		_, updated := d.together(func() (int64, bool, error) { return d.update(key, []byte("raced"), revision) })
		if created > 1 || updated > 1 {
			return errors.New("accepts two writes where one excludes the other")
		}
	}
	return nil
}

// together returns the revision of a write that was accepted, and how many were.
func (d *driver) together(write func() (int64, bool, error)) (int64, int) {
	var group sync.WaitGroup
	var lock sync.Mutex
	var won int64
	winners := 0
	begin := make(chan struct{})
	for range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			<-begin
			if revision, ok, err := write(); err == nil && ok {
				lock.Lock()
				won = revision
				winners++
				lock.Unlock()
			}
		}()
	}
	close(begin)
	group.Wait()
	return won, winners
}

func (d *driver) reads(key string, revision int64) error {
	answer, err := d.get(key)
	switch {
	case err != nil:
		return err
	case len(answer.Kvs) != 1:
		return errors.New("a key that was written is not found")
	case string(answer.Kvs[0].Value) != "updated" || answer.Kvs[0].ModRevision != revision:
		return errors.New("a key has not the value that was written last")
	}
	return nil
}

func (d *driver) letters() error {
	if _, _, err := d.create(prefix+"clusterroles/Case", []byte("upper")); err != nil {
		return err
	}
	if _, ok, err := d.create(prefix+"clusterroles/case", []byte("lower")); err != nil || !ok {
		return errors.New("takes keys that differ in case for one")
	}
	return nil
}

// lists reads a prefix in pages as an API server does.
func (d *driver) lists() error {
	for _, key := range append(append([]string{}, outside...), inRange...) {
		if _, _, err := d.create(key, []byte("listed")); err != nil {
			return err
		}
	}
	var found []string
	start, end := inRange[0][:len(prefix+"pods/")], prefix+"pods0"
	options := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(2)}
	for range len(inRange) {
		answer, err := d.get(start, options...)
		if err != nil {
			return err
		}
		for _, kv := range answer.Kvs {
			found = append(found, string(kv.Key))
		}
		if !answer.More || len(answer.Kvs) == 0 {
			break
		}
		start = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
		options = append(options[:2:2], clientv3.WithRev(answer.Header.Revision))
	}
	if strings.Join(found, " ") == strings.Join(inRange, " ") {
		return nil
	}
	sort.Strings(found)
	if strings.Join(found, " ") == strings.Join(inRange, " ") {
		return errors.New("in another order")
	}
	if len(found) == 0 {
		return errors.New("empty")
	}
	return errors.New("other keys than asked for")
}

func (d *driver) deletes() error {
	key := prefix + "leases/gone"
	revision, _, err := d.create(key, []byte("created"))
	if err != nil {
		return err
	}
	if _, ok, err := d.remove(key, revision-1); err == nil && ok {
		return errors.New("accepts a delete of an old revision")
	}
	if _, ok, err := d.remove(key, revision); err != nil || !ok {
		return fmt.Errorf("refuses a delete: %v", err)
	}
	if answer, err := d.get(key); err != nil || len(answer.Kvs) != 0 {
		return fmt.Errorf("a deleted key is still there: %v", err)
	}
	return nil
}

func (d *driver) big() error {
	key, value := prefix+"configmaps/big", bytes.Repeat([]byte("\x00\xff"), bigValue/2) // as in protobuf, no text
	if _, ok, err := d.create(key, value); err != nil || !ok {
		return fmt.Errorf("refuses an object of 1.4 MiB: %v", err)
	}
	answer, err := d.get(key)
	if err != nil || len(answer.Kvs) != 1 || !bytes.Equal(answer.Kvs[0].Value, value) {
		return fmt.Errorf("an object of 1.4 MiB is not what was written: %v", err)
	}
	return nil
}
