-- The access node keeps its own mirror, so that intake does not wait for the API's queries.
CREATE DATABASE access_node OWNER flexledger;
