// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The outside oracle of the tests.
//
//	oracle dsn            reads a DSN (a JSON string) a line, answers a line of JSON: how kine itself reads it
//	oracle drive ADDRESS  is an API server to the kine at ADDRESS, and says in JSON what kine did
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "dsn":
		err = readDSNs(os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "drive":
		var seen *Seen
		if seen, err = drive(os.Args[2]); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(seen)
		}
	default:
		err = fmt.Errorf("use: oracle dsn | oracle drive ADDRESS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
