-- Each service has a mirror of its own, so that intake does not wait for the API's queries, and a vault of its own,
-- which is the part to back up (docs/operations.md).
CREATE DATABASE access_node_register OWNER flexledger;
CREATE DATABASE access_node_vault OWNER flexledger;
CREATE DATABASE api_register OWNER flexledger;
CREATE DATABASE api_vault OWNER flexledger;
