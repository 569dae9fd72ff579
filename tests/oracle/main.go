// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The outside oracle of the tests.
//
//	oracle dsn            reads a DSN (a JSON string) a line, answers a line of JSON: how kine itself reads it
//	oracle drive ADDRESS  is an API server to the kine at ADDRESS, and says in JSON what kine did
//	oracle starts ADDRESS is many API servers that start while others write, and says in JSON what they never heard of
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var found any
	err := fmt.Errorf("use: oracle dsn | oracle drive ADDRESS | oracle starts ADDRESS")
	switch {
	case len(os.Args) == 2 && os.Args[1] == "dsn":
		err = readDSNs(os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "drive":
		found, err = drive(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "starts":
		found, err = starts(os.Args[2])
	}
	if err == nil && found != nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
