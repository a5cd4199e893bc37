//! For development only: private PostgreSQL clusters, databases from a template, golden schemas.
