-- The tables of a DECNET database that are read.
CREATE TABLE attackers (
  uuid VARCHAR NOT NULL PRIMARY KEY, ip VARCHAR NOT NULL, identity_id VARCHAR,
  first_seen DATETIME NOT NULL, last_seen DATETIME NOT NULL,
  commands TEXT, country_code VARCHAR(2), asn INTEGER
);
CREATE INDEX ix_attackers_ip ON attackers (ip);
CREATE TABLE canary_tokens (
  uuid VARCHAR NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, generator VARCHAR, instrumenter VARCHAR,
  placement_path VARCHAR, decky_name VARCHAR
);
CREATE TABLE canary_triggers (
  uuid VARCHAR NOT NULL PRIMARY KEY, token_uuid VARCHAR NOT NULL, occurred_at DATETIME NOT NULL,
  src_ip VARCHAR, user_agent VARCHAR, request_path VARCHAR, dns_qname VARCHAR, raw_headers TEXT, attacker_id VARCHAR
);
