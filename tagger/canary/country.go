package canary

import "strings"

// country is the range of a country's clocks, in minutes east of UTC with summer time, and
// the languages in wide use.
type country struct {
	from, to  int
	languages string // ISO 639-1 codes, each between blanks; English is understood
}

// countries has the countries that most traffic comes from, without small territories far
// away. It is a judgement: languages that a large part of the people speak at home,
// official or not. Countries that are not listed are not judged.
var countries = map[string]country{
	"AE": {240, 240, " ar hi ur fa ml bn ta tl "}, "AR": {-180, -180, " es "}, "AT": {60, 120, " de hu hr sl tr sr bs "},
	"AU": {480, 660, " zh ar vi el it pa hi "}, "BD": {360, 360, " bn "}, "BE": {60, 120, " nl fr de ar tr it "}, "BG": {120, 180, " bg tr "},
	"BR": {-300, -120, " pt "}, "BY": {180, 180, " be ru "}, "CA": {-480, -150, " fr zh pa es ar tl it de "},
	"CH": {60, 120, " de fr it rm gsw pt es sq sr tr "}, "CL": {-360, -180, " es "}, "CN": {480, 480, " zh bo ug ko mn ii "},
	"CO": {-300, -300, " es "}, "CZ": {60, 120, " cs sk uk vi "}, "DE": {60, 120, " de tr ru pl ar uk sr hr it ro "},
	"DK": {60, 120, " da de sv no nb "}, "EE": {120, 180, " et ru "}, "EG": {120, 180, " ar "}, "ES": {0, 120, " es ca eu gl ar ro "},
	"FI": {120, 180, " fi sv ru et "}, "FR": {60, 120, " fr ar pt br co oc eu "}, "GB": {0, 60, " cy gd ga pl pa ur bn ro gu pt es "},
	"GR": {120, 180, " el sq "}, "HK": {480, 480, " zh yue "}, "HR": {60, 120, " hr sr bs "}, "HU": {60, 120, " hu "},
	"ID": {420, 540, " id jv su ms "}, "IE": {0, 60, " ga pl ro pt "}, "IL": {120, 180, " he iw ar ru fr am "},
	"IN": {330, 330, " hi bn te mr ta ur gu kn ml or pa as "}, "IR": {210, 270, " fa az ku "}, "IT": {60, 120, " it de fr sl ro sq ar "},
	"JP": {540, 540, " ja "}, "KR": {540, 540, " ko "}, "KZ": {300, 360, " kk ru uz "}, "LT": {120, 180, " lt ru pl "}, "LV": {120, 180, " lv ru "},
	"MX": {-480, -300, " es "}, "MY": {480, 480, " ms zh ta "}, "NG": {60, 60, " ha yo ig "}, "NL": {60, 120, " nl fy tr ar pl de "},
	"NO": {60, 120, " no nb nn se sv da pl "}, "NZ": {720, 825, " mi zh hi sm "}, "PH": {480, 480, " tl fil ceb "}, "PK": {300, 300, " ur pa sd ps "},
	"PL": {60, 120, " pl uk de be "}, "PT": {-60, 60, " pt uk "}, "RO": {120, 180, " ro hu "}, "RS": {60, 120, " sr hu bs hr sq "},
	"RU": {120, 720, " ru tt ba ce uk kk hy az "}, "SA": {180, 180, " ar ur hi bn "}, "SE": {60, 120, " sv fi ar no nb da fa so "},
	"SG": {480, 480, " zh ms ta "}, "SI": {60, 120, " sl hr it hu sr bs "}, "SK": {60, 120, " sk hu cs uk "}, "TH": {420, 420, " th "},
	"TR": {180, 180, " tr ku ar "}, "TW": {480, 480, " zh "}, "UA": {120, 180, " uk ru "}, "US": {-600, -240, " es zh tl vi ar fr ko ru de "},
	"VN": {420, 420, " vi "}, "ZA": {120, 120, " af zu xh st tn "},
}

// clockDistance returns how many whole hours the browser's clock, in minutes
// east of UTC, is from the nearest clock of the country.
func clockDistance(offset int, code string) (hours int, known bool) {
	c, ok := countries[code]
	if !ok {
		return 0, false
	}
	return max(c.from-offset, offset-c.to, 0) / 60, true
}

// languageContradicts reports that none of a browser's languages is one of the
// country's. English fits everywhere, and so does a tag that names the country.
func languageContradicts(languages []string, code string) (bad, known bool) {
	c, ok := countries[code]
	if !ok || len(languages) == 0 {
		return false, false
	}
	for i, tag := range languages {
		language, rest, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
		if len(language) < 2 || len(language) > 3 {
			return false, false
		}
		// A second preference of English is what many browsers add by themselves.
		english := language == "en" && (i == 0 || rest != "" && !strings.HasSuffix(rest, "us") && !strings.HasSuffix(rest, "gb"))
		if english || strings.Contains(c.languages, " "+language+" ") || strings.HasSuffix(rest, strings.ToLower(code)) && rest != "" {
			return false, true
		}
	}
	return true, true
}
