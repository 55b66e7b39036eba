package trace

import "strings"

// Reason says why a station decided as it did. Its code never changes meaning once it has shipped.
type Reason uint16

// None is the reason of a step that passed.
const None Reason = 0

// reasonRow is one line of the catalogue.
type reasonRow struct {
	flag, code, text, fix string
}

// catalogue is the one table of reasons: flag for logs, code for machines, a plain sentence, what to try first. Index 0
// is [None]; new rows go at the end of their group.
func catalogue() []reasonRow { return catalogueRows[:] }

var catalogueRows = [...]reasonRow{
	{"", "", "it passed", ""},
	{"CAB", "client.aborted", "the client left before the answer was complete", "look at the slowest hop, or raise the client's time-out"},
	{"CFL", "client.flood", "the client sent too much of what costs it little and us much: frames without content, streams that it gave up at once", "this is by design; look at the client if it is yours"},
	{"CRD", "client.dns_failed", "a browser reported that it could not look the name of the site up", "run roundtrip why URL in the network of the browser; look at the delegation of the zone"},
	{"CRC", "client.connect_failed", "a browser reported that it could not connect to the site", "run roundtrip why URL in the network of the browser; roundtrip firewall drops says whom the groups refused"},
	{"CRB", "client.bad_answer", "a browser reported that it could not read an answer of the site", "follow the link to the journey of the request, where the report names it; look whether something on the way changes answers"},
	{"CRE", "client.error_answer", "a browser reported that the answer was an error", "follow the link to the journey of the request, where the report names it; else look for its path and status"},
	{"CPV", "client.policy_violation", "a browser reported that a page did what the policy of the page forbids", "correct the page, or the policy that its answer carries (Content-Security-Policy, Permissions-Policy)"},
	{"CDP", "client.deprecated", "a browser reported that a page uses what browsers are going to take away", "replace what the report names"},
	{"CIV", "client.intervention", "a browser reported that it did not do what a page asked for, to protect its user", "see what the report names"},
	{"CCR", "client.crashed", "a browser reported that a page crashed", "look at the memory that the page takes, where the report says oom; else at the browser"},
	{"CMX", "client.mixed_content", "a page of https may not call http", "call https"},

	{"CTM", "connection.too_many", "the server has as many connections as it takes", "raise connections.total of the gate, or look who holds them"},
	{"CTC", "connection.too_many_of_client", "one client has as many connections as it may", "raise connections.per_client of the gate, or close some"},
	{"CPH", "connection.proxy_header", "a trusted proxy began a connection without a good PROXY header", "turn the PROXY protocol on there, or off here (gate.proxy_protocol)"},
	{"TNL", "connection.no_listener", "the machine was reached, and nothing listens on that port", "start the server, or correct the port"},
	{"TLB", "connection.loopback_only", "the server listens on loopback only, and the client came from outside", "listen on the public address: --https :443"},
	{"TNS", "connection.not_seen", "the connection never reached this machine", "look at what stands before it: a cloud's security group, NAT, a router; and whether the address is this machine's"},
	{"THH", "connection.http_version", "what listens there speaks no HTTP/2 without TLS, and gRPC needs HTTP/2", "use https://, or let it take HTTP/2 with prior knowledge (h2c)"},
	{"TRF", "connection.refused", "the machine refused the connection: nothing listens on that port, or a firewall rejects it", "look there whether the server runs and listens on that port"},
	{"TTO", "connection.timed_out", "nothing answered the connection in time: packets are dropped on the way, or nobody is there", "look at the firewalls on the way, and at the address"},
	{"TUR", "connection.unreachable", "there is no way to the address from here", "look at the network of this machine: does it have IPv6, a route, a link?"},
	{"TRS", "connection.reset", "the connection was closed before there was an answer", "look at the server's log, and at what stands between"},

	{"DMF", "dns.malformed", "the DNS message is broken", "correct the client; the journey says what was wrong"},
	{"DNS", "dns.not_served", "the server has no such service: an opcode, a version of EDNS, a transfer", "see what the journey says that was asked"},
	{"DCL", "dns.class", "the question was for another class than IN", "ask for class IN"},
	{"DTY", "dns.type", "the question was for a type that no record has", "ask for a type that records have"},
	{"DNO", "dns.not_ours", "the name is in none of the zones of this server", "add the zone, or ask the server that has it"},
	{"DNX", "dns.no_name", "the name is not in the zone", "add a record for it, or correct the name; roundtrip dns explain says what was looked for"},
	{"DLP", "dns.cname_loop", "the CNAME records lead in a circle", "correct the target of one of them"},
	{"DTL", "dns.name_too_long", "the DNAME record leads to a name over 255 bytes", "ask for a shorter name, or correct the target"},
	{"DRL", "dns.rate_limited", "one network got more answers of one kind than dns.rate_limit allows: this one was dropped, or sent without its records so that resolvers ask over TCP", "raise rate_limit.responses, or look who asks so much"},
	{"DPF", "dns.probe_forged", "the name of the probe was not signed here", "make a new probe"},
	{"DPE", "dns.probe_expired", "the probe is too old", "make a new probe"},
	{"DTM", "dns.too_many", "there are as many TCP connections as dns.clients allows", "raise clients.connections or clients.per_client, or look who holds them"},
	{"DFW", "dns.forward_failed", "none of the resolvers of this machine gave an answer", "look at /etc/resolv.conf and the network"},
	{"DND", "dns.no_data", "the name is there and has no address", "add an A or AAAA record, or declare a site of that name"},
	{"DDL", "dns.delegation_mismatch", "the name does not lead to our name server: the zone above names other servers or none", "set the zone's NS records at the registrar to the name servers of this zone"},
	{"DWA", "dns.wrong_address", "the name leads to another machine", "correct the record, or the address of this machine in dns.addresses"},
	{"DST", "dns.stale_answer", "the resolver still gives an answer that has changed since", "wait until its time is over; lower the TTL before the next change"},
	{"DSB", "dns.dnssec_bogus", "the resolver does not believe the answer: its signatures (DNSSEC) do not fit", "correct the DS record at the registrar, or remove it"},
	{"DSF", "dns.resolver_failed", "the resolver of this machine gave no answer", "look at /etc/resolv.conf and the network; ask another resolver"},
	{"DHF", "dns.hosts_file", "the hosts file of this machine gives the name another address", "correct or remove its line in the hosts file"},

	{"FNR", "firewall.no_rule", "no rule of the security groups allows it", "roundtrip reach FROM PROTO/PORT lists what stands in the way; add a rule to a group of the machine's role"},
	{"FSG", "firewall.stale_group", "the rule that would allow it names a group or list in which no machine or network is", "give the group's role its machines (firewall.machines), or correct the rule"},
	{"FIS", "firewall.invalid_state", "the packet belongs to no connection that the kernel knows", "nothing, where a peer was restarted or a connection was cut; else look whether packets take different ways there and back"},
	{"FTF", "firewall.table_full", "the kernel's table of connections is full, so that new ones are dropped whatever the rules say", "raise net.netfilter.nf_conntrack_max, or look who holds the connections: roundtrip firewall flows"},
	{"FNP", "firewall.not_permitted", "this process may not program the kernel's firewall", "give it CAP_NET_ADMIN, or say enforce: process"},
	{"FKE", "firewall.kernel", "the kernel did not do what the firewall asked of it", "see the log for the cause; roundtrip firewall status shows what the kernel has"},
	{"FLO", "firewall.lock_out", "the groups would refuse the connection of who operates this machine", "add the rule that the message shows, or say --lock-out"},

	{"DXU", "dns.transfer_undeclared", "nobody may copy the zone: no transfer of it is declared", "declare transfer of the zone, if it was one of your secondaries that asked"},
	{"DXN", "dns.transfer_unsigned", "transfers of the zone must be signed, and the request was not", "give the secondary the key that transfer.key of the zone names"},
	{"DXK", "dns.transfer_key", "the transfer was signed with a key of another zone", "give the secondary the key that transfer.key of the zone names"},
	{"DXA", "dns.transfer_address", "the address is none of those that may copy the zone", "add it to transfer.to of the zone, if it was one of your secondaries that asked"},
	{"DXD", "dns.transfer_udp", "a whole zone was asked for over UDP", "ask over TCP (dig +tcp)"},
	{"DXM", "dns.transfer_malformed", "the request for a transfer is malformed", "correct the client"},
	{"DXB", "dns.transfer_busy", "as many transfers run as may", "nothing: secondaries ask again; look who takes so long if it goes on"},
	{"DXC", "dns.transfer_cut", "the transfer did not come to its end", "look at the connection with the secondary; it asks again by itself"},
	{"DKM", "dns.tsig_malformed", "the signature of the message is malformed, or not its last record", "correct the client"},
	{"DKK", "dns.tsig_key", "the message is signed with a key that is not declared, or with another algorithm than is declared for it", "compare dns.keys with the other server's key: name and algorithm must be the same"},
	{"DKS", "dns.tsig_signature", "the signature does not fit the message", "compare the secrets of both servers; else somebody changed the message on its way"},
	{"DKT", "dns.tsig_time", "the message was signed at another time than it is here: the clocks differ by more than five minutes", "set the clocks of both servers (NTP)"},
	{"DNP", "dns.notify", "somebody told us of a change of a zone of which we are the primary", "take this server out of that one's list of secondaries"},
	{"DUP", "dns.update", "somebody tried to change a zone over the network", "change the declaration; zones are not changed over the network (RFC 2136)"},

	{"SNC", "tls.no_certificate_for_name", "no site has the name that the client asked for", "add the site, or correct the name"},
	{"SPT", "tls.plaintext_on_tls_port", "plain HTTP was sent to the HTTPS port", "use https://"},
	{"SCP", "tls.certificate_pending", "the site's certificate was ordered and is not there yet: what was shown vouches for nothing", "run roundtrip certs, which says what the issuer answered"},
	{"SHF", "tls.handshake_failed", "the TLS handshake did not complete", "does the client trust the certificate authority? run roundtrip trust"},
	{"SCM", "tls.client_certificate_missing", "the site asks its clients for a certificate, and this one showed none", "give the client a certificate that the site's client_certificates.ca has signed"},
	{"SCR", "tls.client_certificate_refused", "the client's certificate is not one that the site accepts", "is it signed by the site's client_certificates.ca, in time, and for clients?"},
	{"SEX", "tls.certificate_expired", "the certificate of the site is past its end", "renew it; roundtrip certs says why that was not done by itself"},
	{"SUA", "tls.client_rejected_ca", "the client did not accept the certificate of the site, mostly since it does not trust who signed it", "run roundtrip trust for our own authority; else serve the whole chain, for the name that was asked for"},
	{"SVR", "tls.version_unsupported", "client and server have no version of TLS in common", "update the client: it must speak TLS 1.2 or 1.3"},
	{"SCI", "tls.no_common_cipher", "client and server have no cipher suite in common", "update the client: it must speak TLS 1.3, or ECDHE with AES-GCM or ChaCha20"},
	{"SAL", "tls.alpn_mismatch", "the client speaks none of the protocols of the site in TLS", "let the client offer h2 or http/1.1 (ALPN)"},
	{"SHT", "tls.handshake_timeout", "the client did not finish the TLS handshake in time", "look at the network between, at the size of packets (MTU), and whether it was a scanner"},
	{"SNY", "tls.certificate_not_yet_valid", "the certificate begins later than now", "set the clocks of both machines (NTP)"},
	{"SNM", "tls.name_mismatch", "the certificate is not for this name", "use a certificate that has the name, or correct the name"},
	{"SIC", "tls.chain_incomplete", "the server does not show the certificate that joins its own with a trusted one", "put the intermediate certificates into the file of the certificate, behind its own"},
	{"SNT", "tls.no_tls", "what listens there does not speak TLS", "use http://, or correct the port"},
	{"SHH", "tls.http_version", "the other side agreed on HTTP/1.1 in TLS, and gRPC needs HTTP/2", "let what ends TLS there offer h2 (ALPN), or call by gRPC-Web or Connect"},

	{"RMF", "request.malformed", "the HTTP request is broken", "correct the client"},
	{"RHL", "request.headers_too_large", "the request's headers are too long", "send fewer or smaller cookies"},
	{"RBL", "request.body_too_large", "the request's body is over the limit", "raise limits.body of the site, or send less"},
	{"RTO", "request.timeout", "the request did not arrive in time", "look at the client's connection"},
	{"RNH", "route.no_host", "no site has this name", "add the site, or correct the name"},
	{"RNP", "route.no_path", "no route of the site matches the path", "add the route, or correct the path"},
	{"RNM", "route.method_not_allowed", "the path is served, this method is not", "use a method of the Allow header"},
	{"RFS", "static.not_found", "there is no such file", "build the site, or correct the path"},
	{"RFB", "static.no_folder", "the folder of this route is not there", "build the page (npm ci, npm run build), or correct the path"},
	{"RFM", "static.changed", "the file is not the one that If-Match or If-Unmodified-Since asks for", "get it again, without the condition"},
	{"RFP", "static.forbidden_path", "the path leaves the folder or is hidden", "this is by design; give the file a name without a dot at its start if it may be seen"},
	{"PNU", "proxy.no_upstream", "no upstream of the route is well", "look at the upstreams: do they run, do they answer their health check?"},
	{"PBU", "proxy.busy", "every upstream has as many requests as it may", "raise concurrency of the route, or add an upstream"},
	{"PCR", "proxy.connect_refused", "the upstream takes no connections", "does it run, and listen on the address of the declaration?"},
	{"PCT", "proxy.connect_timeout", "the upstream did not take the connection in time", "look at the network between, and at the upstream's load"},
	{"PTL", "proxy.tls_failed", "the TLS handshake with the upstream failed", "look at tls.roots, tls.name and tls.cert of the route"},
	{"PRS", "proxy.reset", "the upstream closed the connection before its answer was complete", "look at the upstream's own log: did it crash, or run out of time?"},
	{"PBA", "proxy.bad_answer", "the upstream's answer is no good HTTP", "correct the upstream; the journey says what was wrong"},
	{"PFB", "proxy.first_byte_timeout", "the upstream did not begin its answer in time", "look at what the upstream waits for, or raise timeouts.first_byte"},
	{"PID", "proxy.idle_timeout", "the upstream stopped in the middle of its answer", "look at what the upstream waits for, or raise timeouts.idle"},
	{"PND", "proxy.no_descriptors", "this machine is out of file descriptors or of ports for one more connection to the upstream", "raise the limit of open files (ulimit -n), or find what holds them"},
	{"PLP", "proxy.loop", "the request came back to where it was sent from", "the upstream leads to this gate: correct its address"},
	{"RNT", "route.needs_tls", "the site is served over TLS alone, and a call of gRPC came without: its clients follow no redirect", "call the HTTPS port with TLS; in grpcurl, leave -plaintext out"},

	{"LRA", "limit.rate", "there were more requests than a declared rate allows", "wait as long as Retry-After says, or raise limits.requests"},

	{"COR", "cors.origin_not_allowed", "pages of this origin may not call the site", "add the origin to cors.origins, exactly: scheme, host, port"},
	{"CME", "cors.method_not_allowed", "the preflight asked for a method that is not allowed", "add the method to cors.methods"},
	{"CHD", "cors.header_not_allowed", "the preflight asked for a header that is not allowed", "add the header to cors.headers"},
	{"CCW", "cors.wildcard_with_credentials", "the answer allows every origin (*), which does not hold for requests with cookies", "name the origins in cors.origins"},
	{"CCN", "cors.credentials_not_allowed", "the page sends cookies, and the answer does not allow that", "say cors.credentials: true, or call without cookies"},
	{"CPR", "cors.preflight_redirected", "the preflight was answered with a redirect, which browsers do not follow", "call the address that it leads to"},
	{"CPA", "cors.preflight_refused", "the preflight was answered with an error", "answer OPTIONS before anything asks who is signed in"},
	{"CDU", "cors.duplicate_header", "Access-Control-Allow-Origin is there twice: two programs set it", "let one of them do it; a site with a cors key takes off what its upstream says"},
	{"CVA", "cors.vary_missing", "the answer names one origin and does not vary by it, so that a cache may give it to another", "send Vary: Origin"},
	{"CNP", "cors.null_origin", "the page has no origin (null): it is a file, in a sandbox, or was redirected", "serve the page by http or https"},
	{"CER", "cors.error_without_headers", "an error came without the headers that let a page read it", "let the server put them on errors too; the error itself is the cause"},

	{"AMI", "auth.missing", "nobody is signed in", "sign in, and send the cookie or the Authorization header"},
	{"AEX", "auth.expired", "the session has ended", "sign in again"},
	{"AIN", "auth.invalid", "the token or password is wrong", "sign in again"},
	{"ACS", "auth.csrf_rejected", "a page of another site tried to write with this site's cookie", "call from the site itself, or send a bearer token"},
	{"ALR", "auth.rate_limited", "too many sign-ins failed", "wait, then try again"},
	{"AWP", "auth.weak_password", "the password is too short or too well known", "choose a longer one"},
	{"ASC", "auth.sign_up_closed", "new accounts are not taken here", "ask an operator, or set identity.sign_up: open"},
	{"ABU", "auth.busy", "too many passwords are being checked at once", "try again in a moment"},

	{"ARD", "access.rule_denied", "the access rule said no", "see the rule and who asked"},
	{"ANM", "access.no_rule", "no rule allows this to anybody", "add the rule to the collection"},
	{"ARH", "access.hidden", "the record is not there, or the read rule hides it", "see the read rule and who asked"},
	{"AOR", "access.operator", "the operator's role sees no records", "ask an owner for the role operator"},

	{"HPA", "request.unknown_path", "the API has no such path", "see the nearest one in the answer"},
	{"HPM", "request.unknown_parameter", "the API has no such parameter", "see the nearest one in the answer"},
	{"HMT", "request.media_type", "the content type is not one that is read here", "send application/json, or multipart/form-data with files"},
	{"HJS", "request.json", "the body is no good JSON", "see the position in the answer"},
	{"HPB", "request.protobuf", "the message is no good protobuf, or of another API", "make the client's code anew from descriptors.proto"},
	{"HVA", "request.invalid", "the request has wrong values", "see the list in the answer"},
	{"HFI", "request.filter", "the filter, order or selection is wrong", "see the column in the answer"},
	{"HPT", "request.page_token", "the page token is not of this list", "ask for the first page again"},
	{"HVL", "schema.invalid", "the record does not fit its collection", "see the list of fields in the answer"},

	{"QUQ", "store.unique", "another record has this value already", "choose another value, or update that record"},
	{"QRF", "store.no_such_record", "a reference points to no record", "create that record first"},
	{"QRS", "store.restricted", "other records point to this one", "delete those first, or declare on_delete: cascade"},
	{"QMI", "store.missing", "there is no such record", "look at the id"},
	{"QST", "store.stale", "the record has changed since it was read", "read it again, then repeat the write"},
	{"QIK", "store.key_reused", "the idempotency key came with another request before", "use a new key for each request"},
	{"PWT", "store.pool_exhausted", "no connection of the pool came free in time", "raise store.pool.max, or shorten what holds them"},
	{"QTO", "store.deadline", "a statement took longer than it may", "add an index that serves it"},
	{"QSL", "store.slow_query", "most of the time went into a statement", "see its plan; add an index that serves it"},
	{"QFA", "store.failed", "the database could not do it", "see the log for the cause"},
	{"QCL", "store.closed", "the store is being closed", "try again when the server runs"},

	{"FTL", "file.too_large", "the file is over its limit", "send a smaller one, or raise max of the field"},
	{"FTY", "file.type", "the file is of a type that the field does not accept", "send one of the accepted types"},
	{"FIM", "file.image", "the image can't be read or has too many pixels", "send another image"},
	{"FMI", "file.missing", "there is no such file", "look at the record's field"},
	{"FSZ", "file.size", "the image is not kept at that size", "ask for one of the declared sizes"},

	{"LCO", "stream.connections", "one account or address has too many streams open", "close some, or share one between the tabs"},
	{"LTO", "stream.topics", "one connection has too many topics", "unsubscribe from some, or open another connection"},
	{"LSU", "stream.subscribed", "the connection has the topic already", "unsubscribe first, or use what is there"},
	{"LNS", "stream.not_subscribed", "the connection does not have the topic", "look at the text of the topic, which must be the same"},
	{"LSI", "stream.signed_in", "the connection is somebody's already", "open another connection for another person"},
	{"WUP", "stream.upgrade_refused", "the handshake of the WebSocket is wrong", "see the sentence: a header is missing, or something between client and server takes it out"},
	{"WPR", "stream.protocol", "the client broke the protocol of WebSockets", "correct the client, or use one that is well known"},
	{"WBM", "stream.message", "a message of the client was not understood", "see the sentence; docs/live.md has the messages"},
	{"WOW", "stream.one_way", "the method speaks and listens at the same time, and the request came over what does one at a time", "use gRPC or Connect over HTTP/2; where there is none, the Watch of a service or a WebSocket"},
	{"WFL", "stream.messages", "one connection sent more messages than it may", "send fewer, and wait 30 seconds before the next connection"},
	{"WSL", "stream.slow_consumer", "the client reads too slowly: more than 1 MB waits for it", "connect again with the cursor; watch fewer topics, or look at the client's network"},
	{"WNL", "stream.silent", "the client gave no sign of life for a minute", "nothing, where it has gone; else let it answer pings"},
	{"WCH", "stream.changed", "the declaration changed what the connection watches", "connect again with the cursor: clients do it by themselves"},
	{"WRF", "stream.failed", "what the connection watches could not be read", "see the log for the cause; clients come back by themselves with their cursor"},

	{"WHU", "webhook.unreachable", "the receiver of the webhook takes no connections, or its name or certificate is wrong", "does it run, at the url of the declaration? roundtrip webhooks lists what waits"},
	{"WHT", "webhook.timeout", "the receiver of the webhook did not answer in time", "let it answer first and work later"},
	{"WHR", "webhook.refused", "the receiver of the webhook refused the message", "look at its answer: is the url right, and the secret the same?"},
	{"WHF", "webhook.failed", "the receiver of the webhook failed with the message", "look at its own log; the message is sent again"},

	{"UPU", "push.unreachable", "the push service takes no connections", "look at the network; the message is sent again"},
	{"UPF", "push.failed", "the push service failed", "nothing: the message is sent again"},
	{"URL", "push.rate_limited", "the push service wants fewer messages", "nothing: the message is sent when it says; send fewer if it goes on"},
	{"UGN", "push.subscription_gone", "the browser takes no pushes any more", "nothing: the subscription was dropped"},
	{"UPP", "push.private_address", "the push subscription leads to an address that is not public", "nothing: the subscription was dropped; push.allow_private is for tests"},
	{"UTL", "push.payload_too_large", "the message is too large for the push service", "shorten the text of the notification"},
	{"UVP", "push.key_rejected", "the push service did not accept who sends", "look at push.subject; subscriptions of another key are lost"},
	{"UPR", "push.refused", "the push service refused the message", "look at its answer in the journey"},

	{"MUN", "mail.unreachable", "the mail server takes no connections, or broke one off", "look at mail.server, its port and its certificate"},
	{"MPO", "mail.put_off", "the mail server put the letter off", "nothing: it is sent again; look at the server's answer if it goes on"},
	{"MRF", "mail.refused", "the mail server refused the letter", "look at the server's answer: the sender, the password, or the recipient's address"},

	{"HIN", "app.internal", "something went wrong on our side", "see the log for the cause"},
	{"HPN", "app.panic", "a handler crashed", "see the log for the stack, and report it"},
	{"HTO", "app.deadline", "the request took longer than it may", "see the slowest hop"},
	{"HSD", "app.stopping", "the server is stopping", "try again in a moment"},
	{"HST", "app.error_status", "the server answered with an error", "look at what it says, and at its log"},
	{"HNG", "app.not_grpc", "what answered a call of gRPC speaks none", "look which route has the path: a page or another server answers there"},
	{"HNT", "app.no_trailers", "the answer to a call of gRPC came without the trailers that say how it ended", "look for a proxy on the way that takes trailers off, or speaks HTTP/1 to the server behind it"},
	{"HNM", "app.no_method", "the server has no such method of gRPC", "correct the name; grpcurl HOST list shows the services, where reflection is served"},

	{"KIN", "command.invalid", "the command has a wrong word or value", "see the sentence, and the command's --help"},
	{"KUN", "command.undeclared", "the command asks for what the file does not declare", "declare it, or correct the name"},
	{"BAU", "start.address_in_use", "another program listens on the address already", "stop it, or choose another address"},
	{"BAF", "start.address_forbidden", "this user may not listen on the address", "choose a port above 1023, or allow it: setcap cap_net_bind_service=+ep on the program"},
	{"BAD", "start.address", "the address is none that can be listened on", "write host:port with an address of this machine"},
	{"BUN", "start.unsafe", "the server would run in a way that is not safe", "see the sentence, which says what to change"},
	{"BKF", "start.kept_file", "a file in which the server keeps its state can't be read", "see the sentence; remove the file if its loss is no harm"},

	{"KHO", "console.host", "the console was asked under a name that is not its own", "open it by its address, by localhost, or declare the name as console.origin"},
	{"KRO", "console.role", "the operator's role does not allow this", "ask an owner, who may give another role"},
	{"KLD", "console.link_dead", "the link was used already, or its time is over", "make a new one: roundtrip operator link"},
	{"KLM", "console.links_max", "there are too many operators or open links", "remove an operator, or wait until links end"},
	{"KNT", "console.name_taken", "an operator has that name already", "choose another name"},
	{"KNO", "console.no_operator", "there is no such operator", "see roundtrip operator list"},
	{"KLO", "console.last_owner", "the last owner can't be removed", "make somebody else owner first"},
	{"KFF", "console.file_failed", "a file of the console can't be read or written", "look at operators.json and audit.log in the data folder, and at the disk"},
	{"KVI", "console.viewers", "too many pages watch the console already", "close one of them"},
	{"KPI", "console.pins", "the journey can't be pinned", "unpin another one, or look whether it is still there"},
	{"KWH", "console.whys", "too many probes run already", "wait until one has ended"},
	{"KTF", "console.try_failed", "a call that was tried from the console got no answer", "look whether the site answers at all: the page Path, and roundtrip why"},
	{"KAB", "console.audit_broken", "the audit log is not as it was written", "look who may write to the data folder; the server's own log has the chain of each entry"},
	{"KNP", "console.not_there", "the console has no such page or part", "see docs/console.md for what it has"},
}

// ReasonOf finds a reason by its code. A code that is not in the catalogue is app.internal; a test keeps that from
// happening.
func ReasonOf(code string) Reason {
	internal := None
	for i, r := range catalogue() {
		if r.code == code {
			return Reason(i)
		}
		if r.code == "app.internal" {
			internal = Reason(i)
		}
	}
	return internal
}

// Reasons returns all reasons of the catalogue, without None.
func Reasons() []Reason {
	all := make([]Reason, 0, len(catalogue())-1)
	for i := 1; i < len(catalogue()); i++ {
		all = append(all, Reason(i))
	}
	return all
}

func (r Reason) row() reasonRow {
	if int(r) < len(catalogueRows) {
		return catalogueRows[r]
	}
	return reasonRow{}
}

// Code returns the dotted code: store.unique.
func (r Reason) Code() string { return r.row().code }

// Flag returns the three letters for logs.
func (r Reason) Flag() string { return r.row().flag }

// Text returns the plain sentence.
func (r Reason) Text() string { return r.row().text }

// Layer returns the station that decides so. Where a journey has a deciding hop, that one's layer says more.
func (r Reason) Layer() Layer {
	family, _, _ := strings.Cut(r.Code(), ".")
	switch family {
	case "dns":
		return DNS
	case "firewall":
		return Firewall
	case "connection":
		return TCP
	case "tls":
		return TLS
	case "route":
		return Route
	case "cors":
		return CORS
	case "limit":
		return Limit
	case "static":
		return Static
	case "proxy":
		return Proxy
	case "auth":
		return Auth
	case "access":
		return Access
	case "schema":
		return Schema
	case "store":
		if r.Code() == "store.pool_exhausted" {
			return Pool
		}
		return SQL
	case "file":
		return Files
	case "stream":
		return Stream
	case "webhook":
		return Webhook
	case "push":
		return WebPush
	case "mail":
		return Mail
	case "client":
		return Client
	}
	return App
}

// Fix returns what to try first.
func (r Reason) Fix() string { return r.row().fix }
