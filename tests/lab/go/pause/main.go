// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The container that holds a pod's namespaces open: it does nothing until it is told to end.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	// An ignored SIGCHLD makes the kernel reap the orphans that PID 1 inherits.
	signal.Ignore(syscall.SIGCHLD)
	<-stop
}
