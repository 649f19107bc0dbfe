//! One cryptography provider for TLS.

/// Makes ring the provider of TLS in this process. Whoever builds an HTTP client calls it first; the second time it does nothing.
pub fn crypto() {
    // An error says only that one is installed, and no other is compiled in.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
