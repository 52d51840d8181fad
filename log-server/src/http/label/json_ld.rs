//! A label as a `Certification` of schema.org.

use serde_json::{Value, json};

use super::{Answer, NOTICE, Standing, facts::Word};

/// The JSON-LD of a label; its status is active only if nothing at all speaks against it.
pub(super) fn certification(answer: &Answer) -> Value {
    let label = &answer.label;
    let stands = answer.standing() == Standing::As(Word::Active) && answer.doubt.is_none();
    let active = if stands {
        "https://schema.org/CertificationActive"
    } else {
        "https://schema.org/CertificationInactive"
    };
    let products: Vec<Value> = label
        .product
        .iter()
        .map(|name| {
            json!({
                "@type": "Product",
                "name": name,
                "category": label.category,
                "gtin": label.gtins,
                "model": label.models,
                "manufacturer": organisation(&label.manufacturer.name, &label.manufacturer.country),
            })
        })
        .collect();
    let places: Vec<Value> = label
        .territory
        .iter()
        .filter(|territory| *territory != "*")
        .map(|territory| json!({ "@type": "AdministrativeArea", "identifier": territory }))
        .collect();
    let mut certification = json!({
        "@context": "https://schema.org",
        "@type": "Certification",
        "url": label.url,
        "name": format!("{} {}", label.scheme, label.level),
        "description": NOTICE,
        "certificationIdentification": label.native_id,
        "certificationStatus": active,
        "certificationRating": { "@type": "Rating", "ratingValue": label.level },
        "issuedBy": { "@type": "Organization", "identifier": answer.issuer },
        "validFrom": label.valid_from,
        "about": products,
        "mainEntityOfPage": label.pages.label,
        "subjectOf": {
            "@type": "DataDownload",
            "contentUrl": label.status_url,
            "encodingFormat": "text/x.labelproof",
            "dateModified": answer.as_of,
        },
    });
    if let Some(end) = &label.not_after {
        certification["expires"] = json!(end);
    }
    if !places.is_empty() {
        certification["validIn"] = json!(places);
    }
    certification
}

fn organisation(name: &str, country: &str) -> Value {
    json!({ "@type": "Organization", "name": name, "address": { "@type": "PostalAddress", "addressCountry": country } })
}
