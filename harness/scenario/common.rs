//! Passwords that would be seen where nobody has put them.

use super::{Problem, Scenario, seen};

impl Scenario {
    /// What is wrong with a password that stands in what every client sends: each of them would be
    /// called a LEAK.
    pub(super) fn common_password(&self) -> Option<Problem> {
        let auth = self.proxy.auth.as_ref()?;
        let password = auth.password.as_ref()?.to_lowercase();
        let places = [
            ("the target's URL", Some(self.target().to_owned())),
            ("the user's name", auth.user.clone()),
        ];
        let within = |place: &Option<String>| {
            place.as_ref().is_some_and(|place| place.to_lowercase().contains(&password))
        };
        // A shorter one is looked for nowhere.
        let (place, _) = places.iter().find(|(_, place)| password.len() >= 4 && within(place))?;
        let problem = format!("the password {} stands in {place}", seen(&password));
        let help = "whoever sends that would be called a LEAK: choose one that stands nowhere else, or \
                    leave `password` out for one that is drawn";
        Some(Problem::new(problem).help(help))
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::read;

    #[test]
    fn a_password_has_to_be_told_from_the_rest() {
        let said = |user: &str, password: &str, target: &str| {
            let yaml = format!(
                "client: {{target: \"{target}\"}}\n\
                 proxy: {{auth: {{scheme: basic, user: {user}, password: {password}}}}}\n"
            );
            read(&yaml, "x").map_or_else(|problems| problems.to_string(), |_| String::new())
        };
        let url = "https://target.badproxy.test/";
        for (user, password, place) in [
            ("me", "test", "the target's URL"),
            ("me", "TARGET", "the target's URL"),
            ("alice", "alice", "the user's name"),
            ("malice", "Alice", "the user's name"),
        ] {
            let said = said(user, password, url);
            assert!(said.contains(&format!("stands in {place}")), "{password}: {said}");
            assert!(said.contains("x:2:"), "{said}");
        }
        for (user, password) in [("me", "secret"), ("me", "tes"), ("alice", "alice2"), ("me", "me")]
        {
            assert_eq!(said(user, password, url), "", "{password}");
        }
        assert_eq!(said("me", "test", "https://203.0.113.1/"), "");
    }
}
