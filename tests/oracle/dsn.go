// Copyright: (c) 2026, k0smotron.ha contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	cryptotls "crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	_ "unsafe" // for go:linkname

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/k3s-io/kine/pkg/drivers"
	_ "github.com/k3s-io/kine/pkg/drivers/mysql"
	_ "github.com/k3s-io/kine/pkg/drivers/pgsql"
	kinetls "github.com/k3s-io/kine/pkg/tls"
	"github.com/k3s-io/kine/pkg/util"
)

// kine's own functions, not what we think they do. They are not exported, hence the links.

//go:linkname postgresConfig github.com/k3s-io/kine/pkg/drivers/pgsql.prepareConfig
func postgresConfig(dataSource string, tls kinetls.Config) (*pgx.ConnConfig, error)

//go:linkname mysqlConfig github.com/k3s-io/kine/pkg/drivers/mysql.prepareConfig
func mysqlConfig(dataSource string, tls *cryptotls.Config) (*mysqldriver.Config, error)

// What a server certificate has to be for a connection.
const (
	plaintext  = "plaintext"
	encrypted  = "encrypted"   // any certificate
	verifyCA   = "verify-ca"   // of a known authority
	verifyFull = "verify-full" // and for this host
)

// Attempt is a connection that the driver tries; the first one that is made is used.
type Attempt struct {
	Address string `json:"address"`
	TLS     string `json:"tls"`
}

// Reading is a DSN as kine reads it. Only Error is set for one that kine refuses.
type Reading struct {
	Error    string            `json:"error,omitempty"`
	User     string            `json:"user"`
	Password string            `json:"password"`
	Database string            `json:"database"`
	Attempts []Attempt         `json:"attempts"`
	Settings map[string]string `json:"settings"` // what goes to the server
	Session  string            `json:"session"`  // which of several servers the driver looks for
	Seconds  float64           `json:"seconds"`  // that it waits for each of them, 0: as long as the kernel does
}

// A function says nothing of itself but where its code is.
var sessions = map[uintptr]string{
	entry(pgconn.ValidateConnectTargetSessionAttrsReadWrite):     "read-write",
	entry(pgconn.ValidateConnectTargetSessionAttrsReadOnly):      "read-only",
	entry(pgconn.ValidateConnectTargetSessionAttrsPrimary):       "primary",
	entry(pgconn.ValidateConnectTargetSessionAttrsStandby):       "standby",
	entry(pgconn.ValidateConnectTargetSessionAttrsPreferStandby): "prefer-standby",
}

func entry(function pgconn.ValidateConnectFunc) uintptr {
	return reflect.ValueOf(function).Pointer()
}

func session(config *pgx.ConnConfig) string {
	if config.ValidateConnect == nil {
		return "any"
	}
	return sessions[entry(config.ValidateConnect)]
}

func readDSNs(input io.Reader, output io.Writer) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 16<<20)
	buffered := bufio.NewWriter(output)
	encoder := json.NewEncoder(buffered)
	for lines.Scan() {
		var dsn string
		if err := json.Unmarshal(lines.Bytes(), &dsn); err != nil {
			return err
		}
		if err := encoder.Encode(read(dsn)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return buffered.Flush()
}

func read(dsn string) (reading Reading) {
	defer func() {
		if problem := recover(); problem != nil { // kine would end here, too
			reading = Reading{Error: fmt.Sprint(problem)}
		}
	}()
	scheme, rest := util.SchemeAndAddress(dsn)
	if _, known := drivers.Get(scheme); !known {
		return Reading{Error: drivers.ErrUnknownDriver.Error()}
	}
	var err error
	if scheme == "mysql" {
		reading, err = readMySQL(rest)
	} else {
		reading, err = readPostgres(rest)
	}
	if err != nil {
		return Reading{Error: err.Error()}
	}
	return reading
}

func readPostgres(dataSource string) (Reading, error) {
	config, err := postgresConfig(dataSource, kinetls.Config{})
	if err != nil {
		return Reading{}, err
	}
	attempts := []Attempt{{fmt.Sprintf("%s %d", config.Host, config.Port), postgresTLS(config.TLSConfig)}}
	for _, fallback := range config.Fallbacks {
		attempts = append(attempts, Attempt{fmt.Sprintf("%s %d", fallback.Host, fallback.Port), postgresTLS(fallback.TLSConfig)})
	}
	return Reading{
		User: config.User, Password: config.Password, Database: config.Database,
		Attempts: attempts, Settings: config.RuntimeParams,
		Session: session(config), Seconds: config.ConnectTimeout.Seconds(),
	}, nil
}

func postgresTLS(config *cryptotls.Config) string {
	switch {
	case config == nil:
		return plaintext
	case !config.InsecureSkipVerify:
		return verifyFull
	case config.VerifyPeerCertificate != nil:
		return verifyCA
	default:
		return encrypted
	}
}

func readMySQL(dataSource string) (Reading, error) {
	config, err := mysqlConfig(dataSource, nil)
	if err != nil {
		return Reading{}, err
	}
	// The driver makes its own copy, and refuses there what it finds only then.
	if _, err := mysqldriver.NewConnector(config); err != nil {
		return Reading{}, err
	}
	address := config.Addr
	if config.Net != "tcp" {
		address = config.Net + " " + address
	} else if colon := strings.LastIndex(address, ":"); colon >= 0 {
		address = address[:colon] + " " + address[colon+1:]
	}
	attempts := []Attempt{{address, mysqlTLS(config.TLS)}}
	if config.TLS != nil && config.AllowFallbackToPlaintext {
		attempts = append(attempts, Attempt{address, plaintext})
	}
	return Reading{
		User: config.User, Password: config.Passwd, Database: config.DBName,
		Attempts: attempts, Settings: config.Params,
		Session: "any", Seconds: config.Timeout.Seconds(),
	}, nil
}

func mysqlTLS(config *cryptotls.Config) string {
	switch {
	case config == nil:
		return plaintext
	case config.InsecureSkipVerify:
		return encrypted
	default:
		return verifyFull
	}
}
