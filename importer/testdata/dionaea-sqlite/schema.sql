-- The tables of Dionaea's logsql that are read, and p0fs, which is not.
CREATE TABLE connections (connection INTEGER PRIMARY KEY, connection_type TEXT, connection_transport TEXT, connection_protocol TEXT, connection_timestamp INTEGER, connection_root INTEGER, connection_parent INTEGER, local_host TEXT, local_port INTEGER, remote_host TEXT, remote_hostname TEXT, remote_port INTEGER);
CREATE INDEX connections_root_idx ON connections (connection_root);
CREATE TABLE dcerpcrequests (dcerpcrequest INTEGER PRIMARY KEY, connection INTEGER, dcerpcrequest_uuid TEXT, dcerpcrequest_opnum INTEGER);
CREATE TABLE downloads (download INTEGER PRIMARY KEY, connection INTEGER, download_url TEXT, download_md5_hash TEXT);
CREATE TABLE logins (login INTEGER PRIMARY KEY, connection INTEGER, login_username TEXT, login_password TEXT);
CREATE TABLE mssql_commands (mssql_command INTEGER PRIMARY KEY, connection INTEGER, mssql_command_status TEXT, mssql_command_cmd TEXT);
CREATE TABLE mysql_command_args (mysql_command_arg INTEGER PRIMARY KEY, mysql_command INTEGER, mysql_command_arg_index NUMBER NOT NULL, mysql_command_arg_data TEXT NOT NULL);
CREATE TABLE mysql_command_ops (mysql_command_op INTEGER PRIMARY KEY, mysql_command_cmd INTEGER NOT NULL, mysql_command_op_name TEXT NOT NULL);
CREATE TABLE mysql_commands (mysql_command INTEGER PRIMARY KEY, connection INTEGER, mysql_command_cmd NUMBER NOT NULL);
CREATE TABLE offers (offer INTEGER PRIMARY KEY, connection INTEGER, offer_url TEXT);
CREATE TABLE p0fs (p0f INTEGER PRIMARY KEY, connection INTEGER, p0f_genre TEXT);
CREATE TABLE sip_commands (sip_command INTEGER PRIMARY KEY, connection INTEGER, sip_command_method, sip_command_call_id, sip_command_user_agent, sip_command_allow INTEGER);
