package lab_test

import "github.com/roundtrip-dev/roundtrip/test/lab"

// www is the site of the declaration that most failures are of.
const www = "https://www.lab.test"

// failures are in the order of the path. The one that has to wait for a certificate to end is the last.
var failures = []failed{
	{
		name: "all is well", args: []string{www + "/api/notes?page_size=1"},
		says: []string{"200"},
	},
	{
		name: "wrong record", args: []string{"https://moved.lab.test/api/notes"},
		exit: 11, layer: "dns", reason: "dns.wrong_address", where: "'moved  A ", says: []string{"198.18.0.32"},
	},
	{
		name: "no record", args: []string{"https://nobody.lab.test/"},
		exit: 11, layer: "dns", reason: "dns.no_name", where: `^    lab\.test:$`, says: []string{"nobody.lab.test"},
	},
	{
		name: "delegation missing", args: []string{"https://www.lost.test/api/notes"},
		exit: 11, layer: "dns", reason: "dns.delegation_mismatch", says: []string{"NXDOMAIN", "nobody asked our name server"},
	},
	{
		name: "group drops", from: lab.Stranger, args: []string{www + "/api/notes"},
		exit: 12, layer: "firewall", reason: "firewall.no_rule", where: "our visitors", says: []string{"198.18.2.66"},
	},
	{
		name: "nothing listens", args: []string{www + ":8444/"},
		exit: 13, layer: "tcp", reason: "connection.no_listener", says: []string{"8444"},
	},
	{
		name: "lost on the way", before: loseOnTheWay, args: []string{"http://www.lab.test/api/notes"},
		exit: 13, layer: "tcp", reason: "connection.not_seen", says: []string{"198.18.0.80:80", "saw nothing of it"},
	},
	{
		name: "unknown authority", wary: true, args: []string{www + "/api/notes"},
		exit: 14, layer: "tls", reason: "tls.client_rejected_ca", where: `^  www\.lab\.test:$`, says: []string{"our own authority"},
	},
	{
		name: "name not on the certificate", args: []string{www + ":8445/api/notes"},
		exit: 14, layer: "tls", reason: "tls.name_mismatch", says: []string{"old.lab.test", "not for www.lab.test", "another program answers at port 8445"},
	},
	{
		name: "name of no site", args: []string{"https://nosite.lab.test/"},
		exit: 14, layer: "tls", reason: "tls.no_certificate_for_name", where: "^sites:", says: []string{"no site has the name"},
	},
	{
		name: "wrong route", args: []string{www + "/order/7"},
		exit: 15, layer: "route", reason: "route.no_path", where: `^    routes:$`, says: []string{"/orders/*"},
	},
	{
		name: "upstream down", args: []string{www + "/dead"},
		exit: 19, layer: "proxy", reason: "proxy.connect_refused", where: "path: /dead,", says: []string{"198.18.0.31:8081"},
	},
	{
		name: "preflight refused", args: []string{www + "/api/notes", "-X", "PUT", "--origin", "https://app.lab.test"},
		exit: 16, layer: "cors", reason: "cors.method_not_allowed", where: `methods: \[GET, POST\]`, says: []string{"PUT"},
	},
	{
		name: "session missing", args: []string{www + "/api/notes", "-X", "POST", "-d", `{"title":"x"}`},
		exit: 21, layer: "access", reason: "auth.missing", where: "editors write notes", says: []string{"nobody is signed in", "notes.create"},
	},
	{
		name: "rule refuses", args: []string{www + "/api/reports", "-X", "POST", "-d", `{"title":"x"}`, "--as", "ana"},
		exit: 21, layer: "access", reason: "access.rule_denied", where: "only editors write reports",
	},
	{
		name: "pool full", before: fillPool, args: []string{www + "/api/notes?page_size=1"},
		exit: 23, layer: "pool", reason: "store.pool_exhausted", where: "^  pool:",
	},
	{
		name: "slow statement", args: []string{www + "/api/reports", "--timeout", "20s"},
		exit: 24, layer: "sql", reason: "store.deadline", where: "^  reports:", says: []string{"reports.list", "SCAN"},
	},
	{
		name: "WebSocket refused", args: []string{"wss://www.lab.test/api/live", "--origin", "https://evil.lab.test", "--as", "ana"},
		exit: 27, layer: "stream", reason: "auth.csrf_rejected", says: []string{"another site"},
	},
	{
		name: "a site of others", alone: true, args: []string{www + "/order/7"},
		exit: 15, layer: "route", reason: "route.no_path", says: []string{"404"},
	},
	{
		name: "certificate expired", before: expire, args: []string{"https://expired.lab.test/"},
		exit: 14, layer: "tls", reason: "tls.certificate_expired", where: "certs/expired.pem", says: []string{"ended"},
	},
}
