// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// compactions compacts as an API server does, while a key is updated.
func (d *driver) compactions() {
	key := prefix + "leases/compacted"
	revision, _, err := d.create(key, []byte("created"))
	if err != nil {
		d.seen.Compacts.add(err)
		return
	}
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		for range 30 {
			next, err := d.updateAgain(key, revision)
			d.seen.Updates.add(err)
			if err == nil {
				revision = next
			} else if d.seen.Updates.Failed > 1 {
				return // two are enough to know
			} else if answer, err := d.get(key); err == nil && len(answer.Kvs) == 1 {
				revision = answer.Kvs[0].ModRevision
			}
		}
	}()
	var version int64
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		version, err = d.compact(version)
		d.seen.Compacts.add(err)
	}
	group.Wait()
}

// updateAgain tries an update that is refused once more, and again, as an API server does: kine says of any insert that
// fails in an update that somebody else was faster.
func (d *driver) updateAgain(key string, revision int64) (int64, error) {
	for until := time.Now().Add(requestTimeout); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		next, ok, err := d.update(key, []byte("updated"), revision)
		if err != nil || ok {
			return next, err
		}
	}
	return 0, errors.New("an update was refused again and again")
}

// compact moves the API server's mark, then asks for the compaction, then looks whether it was done.
func (d *driver) compact(version int64) (int64, error) {
	limit, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	const mark = "compact_rev_key"
	now, err := d.get(prefix + "leases/compacted")
	if err != nil {
		return version, err
	}
	revision := now.Header.Revision
	answer, err := d.client.Txn(limit).
		If(clientv3.Compare(clientv3.Version(mark), "=", version)).
		Then(clientv3.OpPut(mark, fmt.Sprint(revision))).
		Else(clientv3.OpGet(mark)).Commit()
	if err != nil {
		return version, err
	}
	if !answer.Succeeded {
		return answer.Responses[0].GetResponseRange().Kvs[0].Version, errors.New("the mark was moved by somebody else")
	}
	old := revision - 20 // kine keeps the newest ones
	if _, err := d.client.Compact(limit, old); err != nil {
		return version + 1, err
	}
	if _, err := d.get(prefix+"leases/compacted", clientv3.WithRev(old-10)); !errors.Is(err, rpctypes.ErrCompacted) {
		return version + 1, errors.New("does not compact")
	}
	return version + 1, nil
}
