-- Names of passwords, secrets and tokens, in several languages.

-- Names that secret_kind() knows have one of these; with others, of columns or of members, they say what is looked at.
CREATE FUNCTION clone_internal.secret_words() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'pass|pwd|pswd|psw|[^a-z]pw|^pw|wort|woord|ord[^a-z]|ord$|mdp|senha|contrase|parol|parool|has[lł]o|senord|kode|salasana|heslo|jelsz|lozink|zapork|geslo|[sş]ifre|sandi|kata_?laluan|m[aậ]t_?kh[aẩ]u|slapta|pasahitz|пароль|парола|лозинк|密码|密碼|口令|パスワード|暗証|비밀번호|암호|סיסמ|كلمة'
        || '|pin[^a-z]|pin$|puk|card_?n|card_?pan|creditcard|cc_?n|cv[vcn]|tarjeta|cookie|secret|segret|segred|geheim|sekret|token|jeton|jwt|bearer|key|clave|llave|chave|chiave|cl[eé]f?_|_cl[eé]f?|schl(u|ü|ue)ss|sleutel|nyckel|klucz|anahtar|kunci|cred|zugang|anmelde|inlog'
        || '|otp|2fa|seed|phrase|mnemonic|code|codigo|código|codice|answer|respuesta|resposta|reponse|réponse|psk|community|keytab|pfx|p12|pkcs|id_rsa|xpriv|service_?account|auth|verifier'
$$;
COMMENT ON FUNCTION clone_internal.secret_words() IS 'Parts of names of passwords, secrets and tokens, as a regular expression';

-- word: in lower case, with underscores, without accents.
CREATE FUNCTION clone_internal.secret_kind_of_word(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN $1 ~ '(^|_)(password|passwd|pwd|pass_?phrase|passcode|pin_(hash|digest))(_?(hash|digest|salt))?$|^encrypted_(password|pin)$|^password_' THEN 'a password'
        WHEN $1 ~ '(^|_)[a-z]*(pass_?words?|passwds?|pass_?phrase|pass_?code|pass_?wort|kennwort|wachtwoord|mot_?de_?passe|contrasen(a|ia|ya)|salasana|adgangskode|losenord)$'
            OR $1 ~ '(^|_)(u|usr|user|db|smtp|mail|admin|root|login|my|auth|e?mail)?_?(pwd|pswd|psw|pw|passw|passwd)s?$' OR $1 ~ '(^|_)pass_(hash|digest|salt|enc|md5)$|(^|_)hashed_pass$' THEN 'a password'
        -- Alone or of an account, and in other languages: no boarding_pass.
        WHEN $1 ~ ('(^|^(.*_)?(auth|smtp|imap|pop3?|e?mail|ftps?|sftp|ldap|db|database|proxy|admin|u|usr|users?|login|root|https?|basic|wifi|wlan|sip|vpn|ssh|rdp|router|client|api|service|svc|app|bind|cpanel|hosting|server|host|redis|mysql|sql|pg|postgres|mongo|rabbit(mq)?|amqp|mqtt|jdbc|ipmi|bmc|radius|pppoe'
                || '|cert|key|keystore|truststore|zip|pdf|enc(ryption)?|backup|master|domain|ad|ssl|tls|acc|account|web|net|jira|git|svn|cam|camera|nvr|dvr)_?)pass$')
            OR $1 ~ ('(^|_)(senha|parol[ai]?|parool|haslo|passord|kodeord|heslo|jelszo|jelszava|lozinka|zaporka|geslo|sifre(si)?|kata_?sandi|sandi|kata_?laluan|mat_?khau|slaptazodis|pasahitza|lykilord|wagwoord|mdp|пароль|парола|лозинка|密码|密碼|口令|パスワード|暗証番号|비밀번호|암호|סיסמה|كلمة_(السر|المرور))$')
            OR $1 ~ '(^|_)senha_|(^|_)(mdp|haslo|heslo|senha|sifre)_?(usuario|utilisateur|uzytkownika|uzivatele|kullanici|db|smtp|wifi)$'
            OR $1 ~ '(^|_)(clave|llave)_(de_)?(acceso|usuario|secreta|cifrada|encriptada|login|correo|email|smtp|wifi|db|bd|hash|admin|maestra|temporal)$|(^|_)(user|usuario|login|admin|smtp|correo|email|mail|db|bd|wifi|ftp|cliente|root)_?clave$' THEN 'a password'
        WHEN $1 ~ ('(^|_)(users?|card|atm|sim|sip|door|gate|access|login|security|secret|device|lock|phone|voice_?mail|vm|customer|client|employee|staff|operator|cashier|clerk|manager|admin|account|transaction|transfer|payment|wallet|parental|app|mobile|kiosk|pos|conference|meeting|host|moderator|participant|attendee|dial_?in|auth|unlock|approval|bank|debit|credit)_?pin(_?(code|number|no|num))?$')
            OR $1 ~ '(^|_)(mpin|tpin|puk[12]?|puk_?code|pin[12])$' THEN 'a PIN'
        WHEN $1 ~ '(^|_)(card_?(number|num|nr|pan)|cc_?(number|num|no|nr)|credit_?card(_?(number|no|num|nr))|creditcard|debit_?card_?(number|no)|numero_(de_)?(la_)?(tarjeta|carte|cartao|carta)|karten_?nummer|cvv2?|cvc2?|cvn|card_?(cvv|cvc|security)(_?code)?)$' THEN 'the number of a card'
        WHEN $1 ~ '(^|_)(hotp|otp|totp|mfa|2fa|tfa|two_?fa|two_?factor|google_?2fa)_?(secret|seed|key|code|pin)$|(^|_)(otp|totp|hotp)$|(^|_)(recovery|backup|rescue|scratch|emergency)_?(codes?|phrase|words)$|^two_factor_secret|(^|_)(seed|recovery|mnemonic|wallet|backup)_?(phrase|words|mnemonic|seed)$' THEN 'a secret of a second factor'
        WHEN $1 ~ '(^|_)(verification|verify|auth|authorization|authentication|one_?time|sms|login|reset|activation|unlock|access|security|secret|magic|door|gate|lock|lockbox|keypad|safe)_?codes?$'
            OR $1 ~ '(^|_)(codigo_(de_)?(seguridad|acceso|verificacion|secreto|activacion|seguranca|acesso|verificacao|ativacao)|code_(d_|de_)?(secret|acces|securite|verification|activation)|codice_(di_)?(segreto|accesso|sicurezza|verifica)|(zugangs|sicherheits|geheim|toegangs|bestatigungs)_?(code|zahl))$'
            OR $1 ~ '(^|_)(security|secret|challenge)_?answers?$|(^|_)(respuesta|resposta|reponse)_(de_)?(secreta|seguridad|seguranca|secrete)$|(^|_)code_?verifier$|(^|_)oauth_verifier$' THEN 'a secret'
        WHEN $1 ~ '(^|_)(secrets?|hmac|hmac_key|signing_key|private_key|secret_key|encryption_key|access_key|api_key|apikey|auth_key|(jwt|webhook|master|shared|ssl|tls|server|service_account)_key|credentials?|creds)(_(hash|digest|encrypted|ciphertext))?$' OR $1 ~ '_secret(_|$)' OR $1 ~ '(^|_)[a-z]*(secret|privatekey|apikey|secretkey|accesskey)s?$' THEN 'a secret'
        WHEN $1 ~ ('(^|_)(ssh|pgp|gpg|rsa|dsa|ecdsa|ed25519|aes|hmac|signing|sign|private|priv|secret|encryption|enc|decryption|crypto|cipher|symmetric|access|api|auth|jwt|jws|jwe|webhook|master|shared|pre_?shared|ssl|tls|https|cert|certificate|server|service_?account|service_?role|deploy|deployment|wifi|wlan|wep|wpa2?|vpn|wire_?guard|radius|dkim|vapid|recovery'
                || '|licen[cs]e|activation|write|merchant|stripe|send_?grid|mailgun|mailchimp|mandrill|postmark|twilio|openai|open_?router|anthropic|gemini|mistral|cohere|deepl|aws|azure|gcp|google|google_?maps?|maps|mapbox|paypal|braintree|adyen|plaid|algolia|datadog|mixpanel|amplitude|pusher'
                || '|cloudflare|digital_?ocean|linode|hetzner|fcm|apns|hubspot|intercom|zendesk|rollbar|new_?relic|bugsnag|pager_?duty|opsgenie|shopify|recaptcha|captcha|nexmo|vonage|messagebird|akismet)_?(api_?)?keys?$')
            OR $1 ~ '(^|_)(psk|snmp_?community|community_?string|keytab|pfx|p12|pkcs_?12|id_(rsa|dsa|ecdsa|ed25519)|xpri?v|key_?pem|private_?pem|service_?account_?(json|info)?_?(credentials?|json|info)|pass_?key)$'
            OR $1 ~ '(^|_)(credenciales?|credenziali|credenciais|zugangs_?daten|anmelde_?daten|inlog_?gegevens|(api|db|auth|login|cloud|aws|gcp|azure)_cred|geheim(nis)?|secreto|segreto|segredo|hemlighet|sekret)$'
            OR $1 ~ '(^|_)((clave|llave|clau|chave|chiave|clef?|klucz|kunci)_(de_|d_|da_|do_|di_)?(api|privad[ao]|privata|privee|prive|secreta|segreta|secrete|ssh|cifrado|encriptacion|criptografia|chiffrement|szyfrujacy|prywatny|tajny|acces|accesso|rahasia|pribadi)|(api|ssh|privater?|geheimer?|zugangs|zugriffs|sicherheits|verschlusselungs|signatur|prive|geheime|privat|hemlig)_?(schlussel|schluessel|sleutel|nyckel|nokkel|nogle|klucz|anahtari?))$' THEN 'a secret'
        WHEN $1 ~ '(^|_)(token|access_token|refresh_token|reset_token|id_token|api_token|auth_token|bearer|token_hash|token_digest|hashed_token|token_value|key_hash|hashed_key|session_key|cookies?)$' OR $1 ~ '_token(_hash|_digest)?$|(^|_)(reset|remember|activation|confirmation|login)_(digest|hash)$' THEN 'a token'
        WHEN $1 ~ '(^|_)(jwt|auth(orization)?_?header|basic_?auth|jeton(_(d_)?(acces|api|auth|secret))?)$|(^|_)(access|refresh|auth|api|reset|bearer|oauth|bot|user|app|device|push|service|login|session|secret|webhook)_?tokens$'
            OR $1 ~ '(^|_)[a-z]{2,}token$' AND $1 !~ '(next|page|paging|csrf|xsrf|sync|cursor|continuation|max|min|num|prompt|completion|total|input|output)token$' THEN 'a token'
        END
$$;
COMMENT ON FUNCTION clone_internal.secret_kind_of_word(text) IS 'What a word, without accents and endings, says that is held: a password, a secret, a token; NULL if none';

CREATE FUNCTION clone_internal.secret_kind(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        -- Of a secret, but none: password_reset_id, token_type, public_key.
        WHEN w.word ~ '_(ids?|at|on|ur[il]|count|type|name|policy|hint|required|enabled|question|strength|status|state|format|algorithm|alg|expires|expiry|expiration|expired|length|scopes?|label|description|prefix|last_?(4|four)|arn|refs?|path|file|location|version|created|updated|changed|attempts|score|rules?|reset_required)$'
            OR w.word ~ '(^|_)(public|publishable|anon|pub)_?([a-z]+_)?keys?(_|$)|(^|_)(palabra|parola|mot)_?(clave|chiave|cle)|(^|_)cookies?_text$' THEN NULL
        ELSE COALESCE(clone_internal.secret_kind_of_word(w.word),
            -- As it is kept: api_key_encrypted, old_password, secret2, pwd_md5.
            clone_internal.secret_kind_of_word(regexp_replace(regexp_replace(w.word, '^((encrypted|enc|crypted|hashed|old|new|current|previous|default|temp|tmp|raw|plain|clear)_)+', ''),
                '(_?(hash|hashed|digest|enc|encrypted|cipher|ciphertext|crypt|crypted|md5|sha1|sha256|bcrypt|argon2|plain|plaintext|clear|cleartext|old|new|current|previous|tmp|temp|b64|base64|raw|confirmation|confirm)|_(text|value|string|json|pem)|_?[0-9])+$', '')))
        END
    FROM (SELECT translate(replace($1, 'ß', 'ss'), 'áàâäãåāăậầấẩéèêëęěíìîïıóòôöõøúùûüůçćčñńşśšğłżźžř', 'aaaaaaaaaaaaeeeeeeiiiiioooooouuuuucccnnsssglzzzr') AS word) w
$$;
COMMENT ON FUNCTION clone_internal.secret_kind(text) IS 'What the name of a column or member, as words with underscores, says that it holds: a password, a secret, a token; NULL if none';

-- The same for columns whose names mean a secret in some tables only: pin is a part of an address in India, clave a code of an article.
CREATE FUNCTION clone_internal.secret_kind_in_table(relation regclass, "column" name, table_word text, family text) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN family <> 'uuid' AND table_word ~ '(session|token|api_key|access_key|credential)$' AND w.word ~ '^(session_?(key|id|data)|data|key|value|hash|digest|hashed_key|payload)$' THEN 'a token'
        WHEN family <> 'uuid' AND table_word ~ '(^|_)(ssh|deploy|private|signing|encryption|api|secret|access|service_account|webhook)_?key$' AND w.word ~ '^(key|value|secret|content|data|pem|key_data)$' THEN 'a secret'
        WHEN w.word ~ '^pin(_?(code|number|no|num|value))?$' AND table_word !~ '(^|_)(address|location|place|map|marker|board|gpio|header|connector|sensor|store|branch|pincode|zip|area|city|district|post)s?$'
             AND (w.word ~ '^pin$' AND family <> 'int' OR c.has_account)
             -- Beside a city and without a post code it is one.
             AND (NOT c.has_place OR c.has_post_code) THEN 'a PIN'
        WHEN w.word = 'mnemonic' AND table_word ~ '(wallet|seed|account|key)$' THEN 'a secret of a second factor'
        WHEN w.word ~ '^(clave|llave|chave)$' AND family = 'text' AND (c.has_account
             OR NOT EXISTS (SELECT FROM pg_index u JOIN pg_attribute a ON a.attrelid = u.indrelid AND a.attname = $2 WHERE u.indrelid = $1 AND u.indisunique AND a.attnum = ANY (u.indkey::int2[]))
                AND w.word = 'clave' AND table_word !~ '(^|_)(producto?|articulo|item|material|catalogo|categoria|unidad|municipio|estado|pais|sucursal|departamento|materia|curso|puesto|moneda|concepto|cuenta_contable|product|article|setting|config|configuracion|parametro|opcion|preferencia)s?$') THEN 'a password'
        END
    FROM (SELECT clone_internal.snake($2) AS word) w
    CROSS JOIN LATERAL (
        SELECT table_word ~ ('(^|_)(user|usuario|utilisateur|benutzer|utente|utilizador|account|login|customer|cliente?|member|employee|empleado|staff|operator|operador|cashier|person|persona|contact|credential|credencial|card|tarjeta|wallet|device|terminal|sim|door|lock|safe|locker|access|badge|session|player|patient|student|alumno|driver|agent|admin|administrador)s?$') AS has_account,
               bool_or(n.word ~ '(^|_)(city|town|village|province|district|street|address|addr|line_?[12]|locality|landmark|area|taluka|lat|latitude|lng|lon|longitude|gpio|voltage)(_|$)') AS has_place,
               bool_or(n.word ~ '(^|_)(zip|zip_?code|post_?code|postal_?code|postal)$') AS has_post_code
        FROM (SELECT clone_internal.snake(a.attname) AS word FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped) n) c
$$;
COMMENT ON FUNCTION clone_internal.secret_kind_in_table(regclass, name, text, text) IS 'What a column holds whose name means a secret in some tables only: a PIN, a password; NULL if none';

-- Keys that may be public ones by their names, and numbers of invoices: of these nobody makes a secret.
CREATE FUNCTION clone_internal.holds_no_secrets(relation regclass, "column" name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    none boolean;
BEGIN
    EXECUTE format('SELECT bool_and(t.%1$I::text COLLATE "C" ~ %3$L) FROM %2$s AS t WHERE t.%1$I IS NOT NULL', "column", clone_internal.spread(relation, quote_ident("column"), 200),
        '^\s*(ssh-(rsa|dss|ed25519)|ecdsa-sha2-|sk-(ssh|ecdsa)-|-----BEGIN (PGP PUBLIC KEY BLOCK|([A-Z0-9]+ )*PUBLIC KEY|CERTIFICATE))|^[0-9]{40,50}$') INTO none;
    RETURN COALESCE(none, false);
END
$$;
COMMENT ON FUNCTION clone_internal.holds_no_secrets(regclass, name) IS 'Whether a column with the name of a key holds public keys or long numbers of documents';
