//! Countries: the officially assigned codes of ISO 3166-1 alpha-2, and `EU`.

/// Whether a country has this code, or it is the European Union's.
pub(super) fn is_assigned(code: &str) -> bool {
    let (codes, _) = ASSIGNED.as_bytes().as_chunks::<3>();
    let assigned = |code: &[u8]| {
        let found = codes.binary_search_by(|[first, second, _]| [*first, *second][..].cmp(code));
        found.is_ok()
    };
    code == "EU" || assigned(code.as_bytes())
}

/// The 249 codes assigned in 2026, each with a space behind it. `EU` is reserved in the standard and used by customs.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order() {
        let codes: Vec<_> = ASSIGNED.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(codes.iter().all(|code| is_assigned(code)));
        assert_eq!(ASSIGNED.len(), 3 * codes.len());
    }

    #[test]
    fn members_are_countries_and_uk_is_not() {
        for code in ["CA", "DE", "FR", "GB", "IT", "JP", "US", "EU", "SG"] {
            assert!(is_assigned(code), "{code}");
        }
        for code in ["UK", "XX", "ZZ", "EN", "", "D", "A "] {
            assert!(!is_assigned(code), "{code}");
        }
    }
}
