# Short names for what is done often. Nothing needs just: each recipe is the command you would type.

# List the recipes.
default:
    @just --list --unsorted

# Build everything.
build:
    cargo build --workspace --all-targets --locked

# Everything that CI runs, installing what the tests need.
test:
    ./test.sh

# Run the tests whose name contains NAME.
test-one NAME:
    cargo test --workspace --locked -- {{ NAME }}

# Clippy, and shellcheck over the scripts.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    shellcheck -x test.sh demo.sh .ci/run scripts/*.sh
    find crates -name '*.sh' -exec shellcheck {} +

# Format the sources.
fmt:
    cargo fmt --all

# Print the ratios against psql and against a bare connection.
bench:
    cargo bench --workspace --locked

# The whole story on a private PostgreSQL.
demo *ARGS:
    ./demo.sh {{ ARGS }}

# Licences, advisories and sources of the dependencies (needs cargo-deny and the network).
deny:
    cargo deny check

# Run the tests that talk to a server on one more major version: just pg 18.
pg VERSION:
    LOCKKEEPER_TEST_PG={{ VERSION }} ./test.sh
