//! What the person a session is about is told by e-mail (reviews.md §1, sessions.md §7): plain sentences without a name or
//! a value in them, in the languages written here; for all others in English.

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The session was approved.
    Approved,
    /// The session was declined.
    Declined,
    /// Steps are to be repeated.
    Resubmitted,
}

impl News {
    /// Its name where it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Resubmitted => "resubmitted",
        }
    }

    /// The news of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Approved, Self::Declined, Self::Resubmitted].into_iter().find(|news| news.as_str() == name)
    }
}

/// Subject and sentence per news: approved, declined, resubmitted.
type Texts = [(&'static str, &'static str); 3];

const ENGLISH: Texts = [
    (
        "Your identity verification was approved",
        "Your identity verification has been reviewed and approved. There is nothing more to do.",
    ),
    ("Your identity verification was declined", "Your identity verification has been reviewed and could not be approved."),
    (
        "Please repeat a part of your identity verification",
        "A part of your identity verification needs to be repeated. Please go on here:",
    ),
];

const LANGUAGES: [(&str, Texts); 6] = [
    (
        "de",
        [
            (
                "Ihre Identitätsprüfung wurde bestätigt",
                "Ihre Identitätsprüfung wurde durchgesehen und bestätigt. Sie müssen nichts weiter tun.",
            ),
            (
                "Ihre Identitätsprüfung wurde abgelehnt",
                "Ihre Identitätsprüfung wurde durchgesehen und konnte nicht bestätigt werden.",
            ),
            (
                "Bitte wiederholen Sie einen Teil Ihrer Identitätsprüfung",
                "Ein Teil Ihrer Identitätsprüfung muss wiederholt werden. Bitte fahren Sie hier fort:",
            ),
        ],
    ),
    (
        "es",
        [
            (
                "Su verificación de identidad ha sido aprobada",
                "Su verificación de identidad ha sido revisada y aprobada. No tiene que hacer nada más.",
            ),
            (
                "Su verificación de identidad ha sido rechazada",
                "Su verificación de identidad ha sido revisada y no ha podido aprobarse.",
            ),
            (
                "Repita una parte de su verificación de identidad",
                "Es necesario repetir una parte de su verificación de identidad. Continúe aquí:",
            ),
        ],
    ),
    (
        "fr",
        [
            (
                "Votre vérification d’identité a été approuvée",
                "Votre vérification d’identité a été examinée et approuvée. Vous n’avez rien d’autre à faire.",
            ),
            (
                "Votre vérification d’identité a été refusée",
                "Votre vérification d’identité a été examinée et n’a pas pu être approuvée.",
            ),
            (
                "Veuillez refaire une partie de votre vérification d’identité",
                "Une partie de votre vérification d’identité doit être refaite. Continuez ici :",
            ),
        ],
    ),
    (
        "it",
        [
            (
                "La sua verifica dell’identità è stata approvata",
                "La sua verifica dell’identità è stata esaminata e approvata. Non deve fare altro.",
            ),
            (
                "La sua verifica dell’identità è stata respinta",
                "La sua verifica dell’identità è stata esaminata e non ha potuto essere approvata.",
            ),
            (
                "Ripeta una parte della sua verifica dell’identità",
                "Una parte della sua verifica dell’identità deve essere ripetuta. Continui qui:",
            ),
        ],
    ),
    (
        "pt",
        [
            (
                "A sua verificação de identidade foi aprovada",
                "A sua verificação de identidade foi analisada e aprovada. Não precisa de fazer mais nada.",
            ),
            (
                "A sua verificação de identidade foi recusada",
                "A sua verificação de identidade foi analisada e não pôde ser aprovada.",
            ),
            (
                "Repita uma parte da sua verificação de identidade",
                "Uma parte da sua verificação de identidade tem de ser repetida. Continue aqui:",
            ),
        ],
    ),
    (
        "nl",
        [
            (
                "Uw identiteitscontrole is goedgekeurd",
                "Uw identiteitscontrole is bekeken en goedgekeurd. U hoeft niets meer te doen.",
            ),
            ("Uw identiteitscontrole is afgewezen", "Uw identiteitscontrole is bekeken en kon niet worden goedgekeurd."),
            (
                "Herhaal een deel van uw identiteitscontrole",
                "Een deel van uw identiteitscontrole moet worden herhaald. Ga hier verder:",
            ),
        ],
    ),
];

/// Subject and text in a language of [`LANGUAGES`](crate::session::LANGUAGES); a region (`pt-BR`) is told in its language.
/// `link` is where a person goes on, for what is to be repeated.
pub fn letter(news: News, language: &str, link: &str) -> (String, String) {
    let spoken = language.split('-').next().unwrap_or_default();
    let texts = LANGUAGES.iter().find(|(code, _)| *code == spoken).map_or(&ENGLISH, |(_, texts)| texts);
    let (subject, sentence) = texts[news as usize];
    let text = match news {
        News::Approved | News::Declined => format!("{sentence}\n"),
        News::Resubmitted => format!("{sentence}\n{link}\n"),
    };
    (subject.to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: [News; 3] = [News::Approved, News::Declined, News::Resubmitted];

    #[test]
    fn is_written_in_the_language_or_in_english() {
        assert_eq!(letter(News::Approved, "de", "").0, "Ihre Identitätsprüfung wurde bestätigt");
        assert_eq!(letter(News::Declined, "pt-BR", "").0, "A sua verificação de identidade foi recusada");
        for other in ["en", "zh-CN", "xx", ""] {
            assert_eq!(letter(News::Declined, other, "").0, "Your identity verification was declined", "{other}");
        }
    }

    #[test]
    fn only_what_is_to_be_repeated_has_a_link() {
        for (code, _) in LANGUAGES {
            let has_link = NEWS.map(|news| letter(news, code, "https://gavel.example/session/x").1.contains("/session/x\n"));
            assert_eq!(has_link, [false, false, true], "{code}");
            assert!(crate::session::language(code).is_some(), "{code}");
        }
    }

    #[test]
    fn news_have_names() {
        assert_eq!(NEWS.map(|news| News::from_name(news.as_str())), NEWS.map(Some));
        assert_eq!(News::from_name("expired"), None);
    }
}
