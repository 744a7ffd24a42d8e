-- A city's list of companies, exported from a document store: camel case, English, documents in most columns.
CREATE TABLE companies (
  id INTEGER PRIMARY KEY, companyCode TEXT, companyName TEXT, companyNameEn TEXT, abbreviation TEXT, companyType TEXT, operatingStatus TEXT,
  establishedDate TEXT, charterCapital TEXT, headOffice TEXT, contactInfo TEXT, legalReps TEXT, owners TEXT, activities TEXT, registrationXml TEXT, isActive INTEGER
);
