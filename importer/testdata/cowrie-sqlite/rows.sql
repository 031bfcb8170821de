INSERT INTO sensors VALUES (1, 'hp1'), (2, '');
INSERT INTO clients VALUES (1, 'SSH-2.0-Go'), (2, 'b''SSH-2.0-libssh2_1.9.0''');
-- A whole session, one without an end, one of 2016 over Telnet, and one without a time.
INSERT INTO sessions VALUES ('a1b2c3d4e5f6', '2025-10-18T01:02:01.100001Z', '2025-10-18T01:02:09.100009Z', 1, '203.0.113.50', '80x24', 1);
INSERT INTO sessions VALUES ('b1b2c3d4e5f6', '2025-10-18T02:00:00.000000Z', NULL, 1, '::ffff:203.0.113.51', NULL, 2);
INSERT INTO sessions VALUES ('c1b2c3d4e5f6', '2016-05-01 10:00:00', '2016-05-01 10:05:00', 7, '198.51.100.9', NULL, NULL);
INSERT INTO sessions VALUES ('d1b2c3d4e5f6', 'yesterday', NULL, 2, '198.51.100.10', NULL, 9);
INSERT INTO auth VALUES (1, 'a1b2c3d4e5f6', 0, 'root', '', '2025-10-18T01:02:02.000001Z');
INSERT INTO auth VALUES (2, 'a1b2c3d4e5f6', 1, 'root', '123456', '2025-10-18T01:02:02.100002Z');
INSERT INTO auth VALUES (3, 'no session row', 0, 'admin', 'admin', '2025-10-18T01:02:02.100003+02:00');
INSERT INTO auth VALUES (4, 'a1b2c3d4e5f6', 0, 'root', 'x', 'never');
-- Cowrie writes a command that it does not know twice: as a line, and with success 0.
INSERT INTO input VALUES (1, 'a1b2c3d4e5f6', '2025-10-18T01:02:03.100003Z', NULL, 1, 'uname -a');
INSERT INTO input VALUES (2, 'a1b2c3d4e5f6', '2025-10-18T01:02:04.100004Z', NULL, 1, 'nproc; foo');
INSERT INTO input VALUES (3, 'a1b2c3d4e5f6', '2025-10-18T01:02:04.100304Z', NULL, 0, 'foo');
INSERT INTO input VALUES (4, 'a1b2c3d4e5f6', '2025-10-18T01:02:05.100005Z', 'passwd', 1, 'hunter2');
INSERT INTO input VALUES (5, 'a1b2c3d4e5f6', '2025-10-18T01:02:06.100006Z', NULL, 1, '');
INSERT INTO input VALUES (6, 'c1b2c3d4e5f6', '2016-05-01 10:00:01', NULL, 1, 'ls');
INSERT INTO input VALUES (7, 'c1b2c3d4e5f6', '2016-05-01 10:00:01', NULL, 1, 'ls');
INSERT INTO input VALUES (8, 'c1b2c3d4e5f6', '2016-05-01 10:00:02', NULL, 0, 'busybox');
INSERT INTO input VALUES (9, 'c1b2c3d4e5f6', '2016-05-01 10:00:03', 'cat', NULL, 'into a program');
INSERT INTO downloads VALUES (1, 'a1b2c3d4e5f6', '2025-10-18T01:02:07.100007Z', 'http://192.0.2.9/x.sh', 'var/lib/cowrie/downloads/0a', '0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b');
INSERT INTO downloads VALUES (2, 'a1b2c3d4e5f6', '2025-10-18T01:02:07.200007Z', 'http://192.0.2.9/y.sh', 'NULL', 'NULL');
INSERT INTO downloads VALUES (3, 'a1b2c3d4e5f6', '2025-10-18T01:02:07.300007Z', '', 'var/lib/cowrie/downloads/0c', '0c0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b');
INSERT INTO keyfingerprints VALUES (1, 'b1b2c3d4e5f6', 'root', '4a:4b'), (2, 'no session row', 'root', '4a:4c');
INSERT INTO ipforwards VALUES (1, 'a1b2c3d4e5f6', '2025-10-18T01:02:08.100008Z', 'ya.example', 80);
INSERT INTO ipforwardsdata VALUES (1, 'a1b2c3d4e5f6', '2025-10-18T01:02:08.200008Z', 'ya.example', 80, 'b''GET / HTTP/1.1''');
INSERT INTO params VALUES (1, 'b1b2c3d4e5f6', 'linux-x64-lsb');
INSERT INTO ttylog VALUES (1, 'a1b2c3d4e5f6', 'tty/1', 100);
