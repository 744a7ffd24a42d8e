-- The patient index of a hospital's program, written by a vendor who names things in English.
CREATE TABLE "genderCategory" ("genderId" INTEGER PRIMARY KEY, "genderCode" TEXT, "genderName" TEXT NOT NULL);
CREATE TABLE "ethnicCategory" ("ethnicId" INTEGER PRIMARY KEY, "ethnicName" TEXT NOT NULL, "isActive" INTEGER);
CREATE TABLE "religionCategory" ("religionId" INTEGER PRIMARY KEY, "religionName" TEXT NOT NULL);
CREATE TABLE "patientProfile" (
  "patientId"          INTEGER PRIMARY KEY,
  "patientCode"        TEXT NOT NULL,
  "fullName"           TEXT NOT NULL,
  "dateOfBirth"        TEXT,
  "genderId"           INTEGER REFERENCES "genderCategory" ("genderId"),
  "identityNumber"     TEXT,
  "oldIdentityNumber"  TEXT,
  "ethnicId"           INTEGER REFERENCES "ethnicCategory" ("ethnicId"),
  "religionId"         INTEGER REFERENCES "religionCategory" ("religionId"),
  "nationalityCode"    TEXT,
  "bloodType"          TEXT,
  "maritalStatus"      INTEGER,
  "mobilePhone"        TEXT,
  "emailAddress"       TEXT,
  "placeOfBirth"       TEXT,
  "homeTown"           TEXT,
  "permanentAddress"   TEXT,
  "temporaryAddress"   TEXT,
  "currentAddress"     TEXT,
  "fatherFullName"     TEXT,
  "fatherIdentityNo"   TEXT,
  "motherFullName"     TEXT,
  "motherIdentityNo"   TEXT,
  "deceasedDate"       TEXT,
  "healthInsuranceNo"  TEXT,
  "insuranceValidTo"   TEXT,
  "firstVisitDate"     TEXT,
  "occupationName"     TEXT,
  "createdBy"          TEXT,
  "createdAt"          TEXT,
  "updatedAt"          TEXT,
  "isDeleted"          INTEGER
);
