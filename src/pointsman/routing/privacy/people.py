"""What only the words around it tell: dates of birth, passports, records, accounts, other ids."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.routing.privacy.view import Span, View
from pointsman.routing.privacy.words import Words

#: How far behind the word the value may begin.
_FAR = 64
#: A number of any id: pieces that each hold digits, among a few letters.
_TOKEN = re.compile(
    r"(?<![\w.])[a-z]{0,6}[- ]?[0-9][0-9a-z]*+(?:[ .\-/]{1,2}[a-z]{0,2}[0-9][0-9a-z]*+){0,6}+"
)
_YEARS = re.compile(r"(?:19|20)\d\d(?:\s?[-/]\s?(?:19|20)?\d\d)?$")
_DATE = re.compile(
    r"(?:(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d\d){1,2})(?!\d)"
)

_ID_DIGITS = 6
_ID = Words(
    """=ssn, _ssn, my social, tax code, identification, =cf, social security, social_security, social-security, social insurance, =itin, =tin,
    tax id, tax_id, tax-id, taxpayer, tax number, tax ref, tax ident, national id, national_id,
    national-id, national insurance, national ident, =nino, ni number, =ni no, nhs number, nhs no,
    identity card, identity no, identity num, identity doc, id card, id-card, citizen id, driver's lic,
    drivers lic, driver lic, driver_lic, driving lic, sozialvers, rentenvers, versicherungsn, =svnr,
    =sv-nummer, =rvnr, steuer-id, steuerid, steuernummer, steueridentifikation, steuer-ident, =idnr,
    ausweis, führerschein, sécurité sociale, securite sociale, =nir, numéro fiscal, numéro de sécu,
    n° sécu, carte d'identité, carte d\u2019identité, =cni, carte vitale, permis de conduire, =dni, =nif,
    =nie, seguridad social, =nuss, =nss, documento nacional, documento de ident, documento d'ident,
    cédula, carnet de conducir, codice fiscale, codice_fiscale, cod. fisc, cod.fisc, =c.f, carta d'ident,
    carta d\u2019ident, patente di, patente n, tessera sanitaria, =cpf, =rg, =cnpj, =cnh, =pis,
    título de eleitor, carteira de identidade, aadhaar, aadhar, pan card, pan number, pan no, =bsn,
    burgerservice, personnummer, fødselsn, =cpr, henkilötunn, =pesel, dowód, =ahv, =avs, आधार, 身份证,
    身分證, マイナンバー, 個人番号, 주민등록, снилс, =инн, паспорт"""
)
_PASSPORT_DIGITS = 5
_PASSPORT = Words(
    """passport, reisepass, passnummer, pass-nr, passnr, passeport, pasaporte, passaport, paspoort,
    パスポート, 旅券, 护照, 護照, पासपोर्ट"""
)
_RECORD_DIGITS = 4
_RECORD = Words(
    """=mrn, medical rec, medical_rec, medical-rec, patient id, patient_id, patient-id, patient no,
    patient num, patient #, patient file, patient rec, patient:, patientenn, patienten-id, patienten-n,
    patientenakte, krankenakte, fallnummer, krankenvers, =kvnr, dossier médical, dossier medical,
    dossier patient, numéro patient, numéro de patient, numéro de dossier, =ipp, historia clínica,
    historia clinica, =nhc, número de paciente, cartella clinica, numero paziente, prontuário, prontuario,
    número do paciente, cartão sus, =cns, health card, health insurance, medicare, member id, hospital n,
    病历号, 病歴, 患者番号, カルテ"""
)
_ACCOUNT_DIGITS = 6
_ACCOUNT = Words(
    """account n, account_n, account #, =acct, bank account, routing n, routing:, sort code, sort_code,
    kontonummer, konto-nr, kontonr, =kto, bankleitzahl, =blz, numéro de compte, compte bancaire, =rib,
    número de cuenta, cuenta bancaria, cuenta corriente, numero di conto, conto corrente, conta corrente,
    número da conta, =agência, rekeningn, 口座, 账号"""
)

_MONTH = (
    r"(?:jan|feb|fév|mar|mär|apr|avr|abr|may|mai|mag|jun|jui|giu|jul|lug|aug|aoû|ago|sep|set|oct|okt|"
    r"ott|out|nov|dec|dez|déc|dic|gen|ene)[a-zéûçä]{0,7}\.?"
)
_YEAR = r"((?:19|20)[0-9]{2})"
_DAY = r"[0-9]{1,2}"
_ORDINAL = r"(?:st|nd|rd|th|er|º|°|\.)?"
_FULL_DATE = re.compile(
    rf"\b{_DAY}\s?[./-]\s?{_DAY}\s?[./-]\s?(?:{_YEAR}|[0-9]{{2}}\b)|{_YEAR}[./-]{_DAY}[./-]{_DAY}|"
    rf"\b{_DAY}{_ORDINAL}(?: de| of| d[ie]l?)? ?{_MONTH}(?: de| del| of)?,? {_YEAR}|"
    rf"\b{_MONTH} {_DAY}{_ORDINAL},? {_YEAR}|{_YEAR}\s?年\s?{_DAY}\s?月|"
    rf"\b{_YEAR}[01][0-9][0-3][0-9]\b"
)
_FORM = Words(
    """=dob, =d.o.b, birth date, birthdate, birth_date, date of birth, date_of_birth, birthday, geburtsdatum,
    geburtstag, geb.dat, date de naissance, fecha de nacimiento, fecha_nacimiento, data di nascita,
    data_nascita, data de nascimento, data_nascimento, geboortedatum, 生年月日, 出生日期, 생년월일, जन्म तिथि,
    дата рождения, født dato, data urodzenia"""
)
_STORY = Words(
    """=born, =birth, geboren, =geb, =né le, =née le, né(e) le, né à, née à, naissance, =nacido, =nacida,
    =nací, =nació, nacimiento, =nato, =nata, nascita, =nascido, =nascida, =nasci, =nasceu, nascimento, =född,
    =født, urodz, 生まれ, 出生, 生日, जन्म, рожд"""
)
#: Who was born before is told about, as a rule; where a form asks for it, any year counts.
_LIVING = "1930"


def find_birth_dates(view: View) -> Iterator[Span]:
    """Full dates where somebody's birth is spoken of."""
    yield from (span for _, span in _dates(view, _FORM))
    yield from (span for year, span in _dates(view, _STORY) if year == "" or year >= _LIVING)


def _dates(view: View, words: Words) -> Iterator[tuple[str, Span]]:
    """The dates behind each of the words, and their years: empty where it has two digits."""
    low = view.around_digits_low
    for end in words.ends(low):
        if date := _FULL_DATE.search(low, end, end + _FAR):
            yield next(filter(None, date.groups()), ""), view.in_around_digits(*date.span())


def find_passports(view: View) -> Iterator[Span]:
    """The numbers of passports that are called so."""
    return _named(view, _PASSPORT, _PASSPORT_DIGITS)


def find_medical_records(view: View) -> Iterator[Span]:
    """Patients' numbers that are called so."""
    return _named(view, _RECORD, _RECORD_DIGITS)


def find_bank_accounts(view: View) -> Iterator[Span]:
    """The numbers of accounts or banks that are called so."""
    return _named(view, _ACCOUNT, _ACCOUNT_DIGITS)


def find_named_ids(view: View) -> Iterator[Span]:
    """States' numbers of persons that are called so, whatever their shape."""
    return _named(view, _ID, _ID_DIGITS)


def _named(view: View, words: Words, least: int) -> Iterator[Span]:
    low = view.around_digits_low
    for end in words.ends(low):
        for token in _TOKEN.finditer(low, end, end + _FAR):
            if _is_number(token.group().strip(), least):
                yield view.in_around_digits(*token.span())


def _is_number(token: str, least: int) -> bool:
    digits = sum(char.isdigit() for char in token)
    return digits >= least and not _DATE.match(token) and not _YEARS.match(token)
