//! Signatures with an RSA key.

use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::Secret;

/// PKCS #1 over SHA-256, with a key in PEM. Says what is wrong with the key, and no more: the errors of what reads keys may
/// show parts of it.
pub fn sign(key: &Secret, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key =
        PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| "is no key in PEM format")?;
    let key = any_supported_type(&key).map_err(|_| "is of an unknown kind")?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or("is no RSA key")?;
    signer.sign(message).map_err(|_| "does not sign")
}
