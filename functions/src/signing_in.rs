//! What the console's sign-in is made from: the stack's parameters, and two secrets that are read when they are needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apis::call::SecretText;
use aws::Config;
use aws::secrets::Texts;
use engine::error::with_causes;
use signin::seal::Sealer;
use signin::{Provider, RoleMap, Settings};
use tokio::sync::Mutex;

/// Variables of the sign-in; the first two are empty where there is none.
pub const SIGN_IN_VARIABLES: &[&str] =
    &["SIGN_IN_ISSUER", "SIGN_IN_CLIENT_ID", "SIGN_IN_SCOPES", "SIGN_IN_ROLE_CLAIM", "SIGN_IN_ROLES"];

/// Secrets that were changed are found after so long.
const SECRETS_KEPT: Duration = Duration::from_secs(600);

/// What a door is made from.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The provider.
    pub provider: Arc<Provider>,
    /// What seals cookies.
    pub sealer: Arc<Sealer>,
}

/// The sign-in of a stack.
#[derive(Debug)]
pub struct SignIn {
    /// All but the client's secret.
    settings: Settings,
    prefix: String,
    texts: Texts,
    kept: Mutex<Option<(Instant, Kept)>>,
}

impl SignIn {
    /// Reads the parameters; `None` where no provider is named, an error where one is and the rest cannot be read.
    pub fn read(
        variable: impl Fn(&str) -> String,
        config: &Config,
        prefix: &str,
        allow_loopback: bool,
    ) -> Result<Option<Self>, String> {
        let (issuer, client_id) = (variable("SIGN_IN_ISSUER"), variable("SIGN_IN_CLIENT_ID"));
        if issuer.is_empty() || client_id.is_empty() {
            return Ok(None);
        }
        let roles = RoleMap::parse(&variable("SIGN_IN_ROLES"));
        let or =
            |name: &str, usual: &str| Some(variable(name)).filter(|set| !set.is_empty()).unwrap_or(usual.to_owned());
        let settings = Settings {
            issuer,
            client_id,
            client_secret: None,
            scopes: or("SIGN_IN_SCOPES", "openid profile email"),
            role_claim: or("SIGN_IN_ROLE_CLAIM", "roles"),
            roles: roles.map_err(|error| format!("the parameter SignInRoles: {error}"))?,
            allow_loopback,
        };
        let kept = Mutex::new(None);
        Ok(Some(Self { settings, prefix: prefix.to_owned(), texts: Texts::open(config), kept }))
    }

    /// Returns what a door is made from; secrets are read at the first page, and again after a while.
    pub async fn kept(&self) -> Result<Kept, String> {
        let mut kept = self.kept.lock().await;
        if let Some((_, known)) = kept.as_ref().filter(|(at, _)| at.elapsed() < SECRETS_KEPT) {
            return Ok(known.clone());
        }
        let key =
            self.text("cookie-key").await?.ok_or_else(|| format!("there is no secret {}", self.name("cookie-key")))?;
        let client_secret = self.text("client-secret").await?;
        let sealer = Sealer::new(key.expose()).map_err(|error| format!("{}: {error}", self.name("cookie-key")))?;
        let settings = Settings { client_secret, ..self.settings.clone() };
        let fresh = Kept { provider: Arc::new(Provider::new(settings)), sealer: Arc::new(sealer) };
        *kept = Some((Instant::now(), fresh.clone()));
        Ok(fresh)
    }

    fn name(&self, what: &str) -> String {
        format!("{}/console/{what}", self.prefix)
    }

    async fn text(&self, what: &str) -> Result<Option<SecretText>, String> {
        self.texts.current(&self.name(what)).await.map_err(|error| with_causes(error.as_ref()))
    }
}
