//! Whose certificates are believed when we call somebody: the public authorities and, where the operator has one, a private
//! authority's. E-mail and outbound calls ask here.

use std::path::Path;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Private authorities, beside the public ones. By default there are none.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Those of a PEM file. `Err`: what is wrong with it.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = std::fs::read(path).map_err(|e| wrong(&e))?;
        let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().map_err(|_| wrong(&"is not PEM"))?;
        let mut usable = RootCertStore::empty();
        if found.is_empty() || found.iter().any(|certificate| usable.add(certificate.clone()).is_err()) {
            return Err(wrong(&"must hold certificates of authorities"));
        }
        Ok(Self(found))
    }

    /// Everybody who is believed.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(self.0.iter().cloned()); // All of them: they were tried when they were read.
        roots
    }

    /// The private ones alone.
    pub fn private(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn a_file_holds_certificates_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Authorities::from_file(&file).map(|found| found.private().count())
        };
        let made = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
        let made = STANDARD.encode(made.cert.der());
        let made = format!("-----BEGIN CERTIFICATE-----\n{made}\n-----END CERTIFICATE-----\n");
        assert_eq!(read(&made), Ok(1));
        assert_eq!(read(&format!("a remark\n{made}\n{made}")), Ok(2));
        let key = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "s3cret", key, "-----BEGIN CERTIFICATE-----\n!!\n"] {
            let said = read(text).unwrap_err();
            assert!(said.contains("ca.pem: ") && !said.contains("s3cret"), "{said}");
        }
        assert!(Authorities::from_file(&folder.path().join("nothing")).is_err());
        assert_eq!(Authorities::default().roots().len(), webpki_roots::TLS_SERVER_ROOTS.len());
    }
}
