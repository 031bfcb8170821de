-- The tables of Cowrie's output_sqlite, each column in its place of 2025.
CREATE TABLE auth (id INTEGER PRIMARY KEY, session char(32) NOT NULL, success tinyint NOT NULL, username varchar(100) NOT NULL, password varchar(100) NOT NULL, timestamp datetime NOT NULL);
CREATE TABLE clients (id INTEGER PRIMARY KEY, version varchar(50) NOT NULL);
CREATE TABLE input (id INTEGER PRIMARY KEY, session char(32) NOT NULL, timestamp datetime NOT NULL, realm varchar(50) DEFAULT NULL, success tinyint DEFAULT NULL, input text NOT NULL);
CREATE INDEX input_index ON input (session, timestamp, realm);
CREATE TABLE sensors (id INTEGER PRIMARY KEY, ip varchar(15) NOT NULL);
CREATE TABLE sessions (id char(32) NOT NULL PRIMARY KEY, starttime datetime NOT NULL, endtime datetime DEFAULT NULL, sensor int(4) NOT NULL, ip varchar(15) NOT NULL DEFAULT '', termsize varchar(7) DEFAULT NULL, client int(4) DEFAULT NULL);
CREATE INDEX sessions_index ON sessions (starttime, sensor);
CREATE TABLE ttylog (id INTEGER PRIMARY KEY, session char(32) NOT NULL, ttylog varchar(100) NOT NULL, size int(11) NOT NULL);
CREATE TABLE downloads (id INTEGER PRIMARY KEY, session char(32) NOT NULL, timestamp datetime NOT NULL, url text NOT NULL, outfile text NOT NULL, shasum varchar(64) DEFAULT NULL);
CREATE TABLE keyfingerprints (id INTEGER PRIMARY KEY, session char(32) NOT NULL, username varchar(100) NOT NULL, fingerprint varchar(100) NOT NULL);
CREATE TABLE params (id INTEGER PRIMARY KEY, session char(32) NOT NULL, arch varchar(32) NOT NULL);
CREATE TABLE ipforwards (id INTEGER PRIMARY KEY, session char(32) NOT NULL, timestamp datetime NOT NULL, dst_ip varchar(255) NOT NULL DEFAULT '', dst_port int(5) NOT NULL);
CREATE TABLE ipforwardsdata (id INTEGER PRIMARY KEY, session char(32) NOT NULL, timestamp datetime NOT NULL, dst_ip varchar(255) NOT NULL DEFAULT '', dst_port int(5) NOT NULL, data text NOT NULL);
